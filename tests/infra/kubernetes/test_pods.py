"""A slot's pods, as the real SDK registers them."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.infra.kubernetes.registered import AGENT, API, VALUES, Told, declared

ENDLESS = {"initialDelaySeconds", "periodSeconds", "timeoutSeconds", "successThreshold", "failureThreshold"}
TMP = "/tmp"  # noqa: S108 - the pod's own


@pytest.fixture(scope="module", name="told")
def _told(tmp_path_factory: pytest.TempPathFactory) -> Told:
    """A stack with a service and a singleton, in an empty cluster."""
    return declared(tmp_path_factory.mktemp("project"))


def pod(told: Told, name: str) -> Mapping[str, Any]:
    """The template of a Deployment's pods."""
    found: Mapping[str, Any] = told[name]["spec"]["template"]
    return found


def container(told: Told, name: str = "pods of api on blue") -> Mapping[str, Any]:
    """The one container of these pods."""
    (found,) = pod(told, name)["spec"]["containers"]
    return dict(found)


def with_health(project: Path, *checks: object, kind: Mapping[str, Any] = API) -> Mapping[str, Any]:
    """The container of a service, or a singleton, that is asked so."""
    name = "agent" if kind is AGENT else "api"
    services = {**VALUES["services"], name: {**kind, "health": list(checks)}}
    return container(declared(project, {**VALUES, "services": services}), f"pods of {name} on blue")


def test_a_pod_may_do_nothing_that_it_need_not(told: Told) -> None:
    """It is a user by its number, never root, on a root that it cannot write, without a token or a capability."""
    spec = pod(told, "pods of api on blue")["spec"]

    assert spec["automountServiceAccountToken"] is False
    assert spec["enableServiceLinks"] is False
    assert spec["securityContext"] == {
        "runAsNonRoot": True,
        "runAsUser": 10001,
        "runAsGroup": 10001,
        "fsGroup": 10001,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    assert container(told)["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }


def test_a_pod_may_write_where_it_must(told: Told) -> None:
    """It has a /tmp, a folder for data and one to beat into, each its own."""
    volumes = {each["name"]: each["emptyDir"] for each in pod(told, "pods of api on blue")["spec"]["volumes"]}
    mounts = {each["name"]: each["mountPath"] for each in container(told)["volumeMounts"]}

    assert volumes == {"tmp": {}, "data": {}, "beat": {}}
    assert mounts == {"tmp": TMP, "data": "/crossfade/data", "beat": "/crossfade/beat"}


def test_a_pod_knows_who_it_is(told: Told) -> None:
    """Words and variables are those of the settings, with the address and the identity filled in; there is no fence."""
    found = container(told)
    given = {each["name"]: each["value"] for each in found["env"]}
    version = pod(told, "pods of api on blue")["metadata"]["labels"]["app.kubernetes.io/version"]

    assert found["args"] == ["serve", "--bind", "0.0.0.0:8080"]
    assert given == {
        "CROSSFADE_DATA": "/crossfade/data",
        "CROSSFADE_HEARTBEAT": "/crossfade/beat/beat.json",
        "CROSSFADE_RUNTIME": "py39",
        "CROSSFADE_SERVICE": "api",
        "CROSSFADE_SLOT": "blue",
        "CROSSFADE_VERSION": version,
        "HOME": TMP,
        "HOST": "0.0.0.0",  # noqa: S104 - the pod's own
        "LOG_LEVEL": "info",
        "PORT": "8080",
    }
    assert found["ports"] == [{"name": "http", "containerPort": 8080, "protocol": "TCP"}]


def test_two_slots_of_one_content_are_two_pods_of_one_version(tmp_path: Path) -> None:
    """With one runtime in both slots everything is the same but the slot's name, the version too."""
    told = declared(tmp_path, {**VALUES, "slots": {"blue": {"runtime": "py312"}, "green": {"runtime": "py312"}}})
    blue, green = (json.dumps(told[f"pods of api on {slot}"], sort_keys=True) for slot in ("blue", "green"))

    assert blue.replace("blue", "green") == green


def test_memory_is_what_it_may_use_and_processors_what_it_asks_for(told: Told, tmp_path: Path) -> None:
    """Requests and limits of memory are equal, and processors have no limit; without words there are none of either."""
    bare = {name: each for name, each in API.items() if name not in {"memory", "cpus"}}

    assert container(told)["resources"] == {
        "requests": {"memory": "512Mi", "cpu": "0.5"},
        "limits": {"memory": "512Mi"},
    }
    assert "resources" not in container(declared(tmp_path, {**VALUES, "services": {"api": bare}}))


def test_who_takes_requests_ends_after_the_last_of_them(told: Told) -> None:
    """The kubelet waits, says to end, and kills no sooner than it may; a singleton has nothing to wait for."""
    assert container(told)["lifecycle"] == {"preStop": {"sleep": {"seconds": 10}}}
    assert pod(told, "pods of api on blue")["spec"]["terminationGracePeriodSeconds"] == 30
    assert "lifecycle" not in container(told, "pods of agent on blue")
    assert pod(told, "pods of agent on blue")["spec"]["terminationGracePeriodSeconds"] == 20


def test_a_singleton_stays_on_a_node_that_is_lost(told: Told) -> None:
    """Nobody replaces it because its node is not heard of: it may be at work there; a pod among others is replaced."""
    stays = pod(told, "pods of agent on blue")["spec"]["tolerations"]
    assert {(each["key"].rpartition("/")[2], each["effect"]) for each in stays} == {
        ("unreachable", "NoExecute"),
        ("not-ready", "NoExecute"),
    }
    assert not any("tolerationSeconds" in each or "toleration_seconds" in each for each in stays)
    assert "tolerations" not in pod(told, "pods of api on blue")["spec"]


def test_every_probe_is_written_out(told: Told) -> None:
    """All three are there, with every number; that of health asks the path, that of life the port alone."""
    found = container(told)
    probes = {name: found[name] for name in ("startupProbe", "readinessProbe", "livenessProbe")}
    asks = {"path": "/health/", "port": "http", "scheme": "HTTP"}

    assert all(each.keys() >= ENDLESS for each in probes.values())
    assert probes["startupProbe"]["httpGet"] == probes["readinessProbe"]["httpGet"] == asks
    assert probes["livenessProbe"]["tcpSocket"] == {"port": "http"}
    assert probes["startupProbe"]["periodSeconds"] * probes["startupProbe"]["failureThreshold"] == 180
    # Out of sight long before it is started again.
    ready, alive = (each["periodSeconds"] * each["failureThreshold"] for each in list(probes.values())[1:])
    assert (ready, alive) == (3, 60)


@pytest.mark.parametrize(
    ("checks", "expected"),
    [
        (["tcp"], {"tcpSocket": {"port": "http"}}),
        (["tcp", {"http": "/well"}], {"httpGet": {"path": "/well", "port": "http", "scheme": "HTTP"}}),
        ([{"websocket": "/ws"}], {"tcpSocket": {"port": "http"}}),
        ([{"streamlit": "/page"}], {"httpGet": {"path": "/page", "port": "http", "scheme": "HTTP"}}),
        (["tcp", {"command": "python -m check"}], {"exec": {"command": ["python", "-m", "check"]}}),
    ],
)
def test_the_check_that_tells_most_is_asked(tmp_path: Path, checks: list[object], expected: Mapping[str, Any]) -> None:
    """Of several checks the kubelet asks the one that tells most, in the kubelet's own words."""
    found = with_health(tmp_path, *checks)["readinessProbe"]

    assert {name: each for name, each in found.items() if name not in ENDLESS} == expected


def test_a_beat_is_looked_at_by_the_pods_own_python(told: Told, tmp_path: Path) -> None:
    """A program that beats has begun by a young beat, is ready by what it gets done, and is stuck without any beat."""
    found = container(told, "pods of agent on blue")
    ready, alive = found["readinessProbe"]["exec"]["command"], found["livenessProbe"]["exec"]["command"]

    begun = found["startupProbe"]["exec"]["command"]
    assert (ready[0], ready[-2:]) == ("python", ["/crossfade/beat/beat.json", "5"])
    assert (begun[:-3], begun[-2:]) == (ready[:-3], ready[-2:])
    assert alive == [*begun[:-1], "60"]
    both = with_health(tmp_path, {"http": "/well"}, {"heartbeat": "90s"})
    assert both["livenessProbe"]["exec"]["command"][-1] == "90"


def test_a_late_answer_takes_no_pod_away(tmp_path: Path) -> None:
    """However short a check's own limit is, a pod has five seconds to answer: else load that makes all late takes all away."""
    found = with_health(tmp_path, {"http": {"path": "/", "timeout": "500ms"}})
    assert found["readinessProbe"]["timeoutSeconds"] == found["startupProbe"]["timeoutSeconds"] == 5


def test_a_number_is_whole_and_never_zero(tmp_path: Path) -> None:
    """What is asked more often than once a second is asked once a second: the kubelet knows nothing shorter."""
    found = with_health(tmp_path, {"http": {"path": "/", "every": "200ms", "timeout": "6500ms"}})["readinessProbe"]

    assert (found["periodSeconds"], found["timeoutSeconds"]) == (1, 7)
