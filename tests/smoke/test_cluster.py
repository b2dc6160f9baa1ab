"""What holds for the way to a cluster's API, whoever answers at its address and whatever; no cluster is started."""

import json
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from smoke.cluster import DEPLOYMENT, EVENT, POD, ROUTE, Cluster, Reach
from smoke.refusal import Owner, Refused, Unreached
from tests.smoke.api_pretended import Pretended, write


@pytest.fixture
def server() -> Iterator[Pretended]:
    """Who answers."""
    with Pretended() as made:
        yield made


@pytest.fixture
def config(server: Pretended, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A kubeconfig whose current context ``here`` leads there."""
    file = tmp_path / "config"
    write(file, server.address, "here")
    monkeypatch.setenv("KUBECONFIG", str(file))
    monkeypatch.setenv("NO_PROXY", "*")
    return file


@pytest.fixture
def cluster(config: Path) -> Cluster:
    """The cluster at that address."""
    assert config.exists()
    return Cluster(Reach(None, "shop"), 5.0)


def away(cluster: Cluster) -> Unreached:
    """What is said of a cluster that does not answer."""
    with pytest.raises(Unreached) as caught:
        cluster.get(ROUTE, "api")
    return caught.value


def refusal(cluster: Cluster) -> Refused:
    """What is said of an API server that refuses."""
    with pytest.raises(Refused) as caught:
        cluster.get(ROUTE, "api")
    return caught.value


def test_what_is_asked(server: Pretended, cluster: Cluster) -> None:
    """Objects are at the paths of their kinds, labels and fields are selectors, names cannot lead elsewhere."""
    server.answer(200, {"metadata": {"name": "api"}})
    assert cluster.get(ROUTE, "api") == {"metadata": {"name": "api"}}
    server.answer(200, {"items": [{"a": 1}]})
    assert cluster.list(POD, {"crossfade/slot": "blue", "crossfade/stack": "dev"}) == [{"a": 1}]
    server.answer(200, {"items": []})
    assert cluster.list(EVENT, fields={"involvedObject.name": "api-1"}) == []
    server.answer(200, "one\ntwo\n", content_type="text/plain")
    assert cluster.log("api-1", "api", lines=20, previous=True) == "one\ntwo\n"
    cluster.get(DEPLOYMENT, "../secrets/a")
    assert [each.line for each in server.asked] == [
        "GET /apis/gateway.networking.k8s.io/v1/namespaces/shop/httproutes/api",
        "GET /api/v1/namespaces/shop/pods?labelSelector=crossfade%2Fslot%3Dblue%2Ccrossfade%2Fstack%3Ddev",
        "GET /api/v1/namespaces/shop/events?fieldSelector=involvedObject.name%3Dapi-1",
        "GET /api/v1/namespaces/shop/pods/api-1/log?container=api&tailLines=20&previous=true",
        "GET /apis/apps/v1/namespaces/shop/deployments/..%2Fsecrets%2Fa",
    ]


def test_what_is_applied(server: Pretended, cluster: Cluster) -> None:
    """An apply goes under our name, as a whole object with its condition; a patch goes as it is, also to a part."""
    cluster.apply(ROUTE, "api", {"metadata": {"resourceVersion": "7"}, "spec": {"rules": []}})
    cluster.apply(ROUTE, "api", {}, force=True)
    cluster.patch(DEPLOYMENT, "agent", {"spec": {"replicas": 1}}, "scale")
    applied, forced, patched = server.asked
    assert (applied.line.partition("?")[2], applied.form) == (
        "fieldManager=crossfade&force=false",
        "application/apply-patch+yaml",
    )
    assert applied.body == {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "HTTPRoute",
        "metadata": {"resourceVersion": "7", "name": "api", "namespace": "shop"},
        "spec": {"rules": []},
    }
    assert forced.line.endswith("httproutes/api?fieldManager=crossfade&force=true")
    assert patched.line == "PATCH /apis/apps/v1/namespaces/shop/deployments/agent/scale?fieldManager=crossfade"
    assert (patched.form, patched.body) == ("application/merge-patch+json", {"spec": {"replicas": 1}})


def test_no_right_is_told_in_the_servers_words(server: Pretended, cluster: Cluster) -> None:
    """A refusal has the server's status, word and message."""
    server.refuse(403, "Forbidden", 'User "jo" cannot get resource "httproutes"', name="api")
    error = refusal(cluster)
    assert (error.status, error.reason, str(error)) == (403, "Forbidden", 'User "jo" cannot get resource "httproutes"')


def test_no_object_is_told_from_no_kind(server: Pretended, cluster: Cluster) -> None:
    """An object that is not there and a kind that the cluster does not have are two things."""
    server.refuse(404, "NotFound", 'httproutes "api" not found', name="api", kind="httproutes")
    server.answer(404, "404 page not found\n", content_type="text/plain")
    assert refusal(cluster).reason == "NotFound"
    missing = refusal(cluster)
    assert (missing.reason, str(missing)) == ("NoKind", "the cluster has no kind HTTPRoute of gateway.networking.k8s.io/v1")


def test_a_conflict_names_the_owners(server: Pretended, cluster: Cluster) -> None:
    """Of fields that others own each manager is told; a lost race has none."""
    said = [
        {"reason": "FieldManagerConflict", "message": f'conflict with "{name}" using v1', "field": ".spec.rules"}
        for name in ("kubectl-edit", "flux")
    ]
    server.refuse(409, "Conflict", "Apply failed with 2 conflicts", causes=said)
    server.refuse(409, "Conflict", "the object has been modified", name="api")
    assert refusal(cluster).owners == (Owner("kubectl-edit", ".spec.rules"), Owner("flux", ".spec.rules"))
    assert refusal(cluster).owners == ()


def test_who_is_no_api_server(server: Pretended, cluster: Cluster) -> None:
    """A page, a login, a list, a cut-off answer: nobody answers for the cluster, and it says who does."""
    server.answer(200, "<html>welcome</html>")
    assert str(away(cluster)) == f"{server.address} answers what is no API server's: <html>welcome</html>"
    server.answer(302, "", location="https://login.example")
    assert "answers with status 302" in str(away(cluster))
    server.answer(200, [1])
    assert "answers what is no API server's" in str(away(cluster))
    server.answer(200, '{"items": 1}')
    with pytest.raises(Unreached, match="no API server"):
        cluster.list(POD)
    server.answer(200, "{}", content_length="1000", connection="close")
    assert "cannot be asked" in str(away(cluster))


@pytest.mark.parametrize(("status", "said", "after"), [(503, {}, None), (500, {}, None), (429, {"retry_after": "3"}, 3.0)])
def test_a_server_that_is_not_well(server: Pretended, cluster: Cluster, status: int, said: dict[str, str], after: float) -> None:
    """A server in trouble is one that does not answer now; what it says of how long is passed on."""
    server.answer(status, "upstream is down", **said)
    error = away(cluster)
    assert (error.after, error.passing) == (after, True)
    assert str(error) == f"{server.address} answers with status {status}: upstream is down"


def test_nobody_there(server: Pretended, config: Path, tmp_path: Path) -> None:
    """A refused connection is told with the context's name, and may pass."""
    write(config, server.address, "here")
    with Pretended() as gone:
        pass
    write(tmp_path / "config", gone.address, "here")
    error = away(Cluster(Reach("here", "shop")))
    assert error.passing
    assert str(error).startswith("the cluster of context here cannot be asked: ")


def test_a_server_that_hangs(config: Path) -> None:
    """A server that takes a connection and says nothing has its time, and no more."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        write(config, f"http://127.0.0.1:{listening.getsockname()[1]}", "here")
        assert "cannot be asked: timed out" in str(away(Cluster(Reach(None, "shop"), 0.05)))


def test_renewed_credentials(server: Pretended, cluster: Cluster, config: Path) -> None:
    """Once credentials are turned down the kubeconfig is read again: whoever renews them there goes on."""
    server.refuse(401, "Unauthorized", "Unauthorized")
    assert refusal(cluster).status == 401
    write(config, server.address, "here", token="second")  # noqa: S106 - nobody's
    cluster.get(ROUTE, "api")
    assert [each.token for each in server.asked] == ["Bearer first", "Bearer second"]


def test_the_context_is_looked_for_in_every_file(
    server: Pretended, config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of several files the first that has the context leads to it, with its own user; one that is not there is passed over."""
    other = tmp_path / "other"
    write(other, server.address, "there", None, token="other")  # noqa: S106 - nobody's
    monkeypatch.setenv("KUBECONFIG", os.pathsep.join([str(tmp_path / "none"), str(other), str(config)]))
    Cluster(Reach("there", "shop")).get(ROUTE, "api")
    Cluster(Reach(None, "shop")).get(ROUTE, "api")
    assert [each.token for each in server.asked] == ["Bearer other", "Bearer first"]


def test_a_user_without_credentials(server: Pretended, config: Path) -> None:
    """A proxy that signs in for everybody is asked without credentials."""
    document: dict[str, Any] = yaml.safe_load(config.read_text())
    del document["contexts"][0]["context"]["user"]
    config.write_text(yaml.safe_dump(document))
    Cluster(Reach("here", "shop")).get(ROUTE, "api")
    assert server.asked[0].token is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", ""),
        ("- a", ""),
        ("token: {secret: [", "it is no YAML"),
        ("contexts: []\nclusters: []\ncurrent-context: x", "there is no context here; it has none"),
        ("contexts: [{name: b, context: {cluster: c}}]\nclusters: []", "there is no context here; it has b"),
        ("contexts: [{name: here, context: {cluster: c}}]\nclusters: []", "c"),
        ("contexts: [{name: here, context: 1}]\nclusters: []", ""),
    ],
)
def test_a_kubeconfig_that_leads_nowhere(config: Path, text: str, said: str) -> None:
    """A kubeconfig that is none, or has not what is asked for, is told at once: to ask again is of no use."""
    config.write_text(text)
    error = away(Cluster(Reach("here", "shop")))
    assert not error.passing
    assert str(error).startswith("the kubeconfig has no way to the cluster of context here: ")
    assert said in str(error)
    assert "secret" not in str(error)


def test_no_kubeconfig(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there is none, and this is no pod, it says which file was looked for."""
    config.unlink()
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    assert str(away(Cluster(Reach(None, "shop")))).endswith(f"the current context: no file {config}")


def test_a_program_for_credentials_that_is_not_there(server: Pretended, config: Path) -> None:
    """A program that would fetch credentials, and is missing or fails, is told."""
    plugin = {"apiVersion": "client.authentication.k8s.io/v1beta1", "command": "no-such-program"}
    write(config, server.address, "here", exec=plugin)
    assert "no-such-program" in str(away(Cluster(Reach(None, "shop"))))
    write(config, server.address, "here", exec={**plugin, "command": "false"})
    assert "Exec false returned 1" in str(away(Cluster(Reach(None, "shop"))))
    write(config, server.address, "here", exec={**plugin, "command": "echo", "args": ["null"]})
    assert not away(Cluster(Reach(None, "shop"))).after


@pytest.mark.parametrize("form", ["v1beta1", "v1"])
def test_a_program_for_credentials(server: Pretended, config: Path, form: str) -> None:
    """The token that a program prints goes with the request, in the old form and in the stable one."""
    api = f"client.authentication.k8s.io/{form}"
    said = json.dumps({"apiVersion": api, "kind": "ExecCredential", "status": {"token": "printed"}})
    write(config, server.address, "here", exec={"apiVersion": api, "command": "echo", "args": [said]})
    Cluster(Reach(None, "shop")).get(ROUTE, "api")
    assert server.asked[0].token == "Bearer printed"  # noqa: S105 - nobody's
