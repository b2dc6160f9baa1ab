"""What holds for the weights of a route whatever the API server answers; no cluster is started."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.contract import Json
from smoke.errors import RouterError
from smoke.routers.gateway import GatewayRouter
from tests.smoke.api_pretended import Pretended, write
from tests.smoke.routers.gateway_routes import SETTINGS, read, report, rule

BLUE, GREEN = {"blue": 100, "green": 0}, {"blue": 0, "green": 100}
BEFORE = read(said=[report()])
AFTER = read(rule(0, 100), generation=2, said=[report(2)])


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Pretended]:
    """Who answers at the address of the kubeconfig."""
    with Pretended() as made:
        write(tmp_path / "config", made.address, "here")
        monkeypatch.setenv("KUBECONFIG", str(tmp_path / "config"))
        monkeypatch.setenv("NO_PROXY", "*")
        yield made


def mine(**others: Json) -> GatewayRouter:
    """The router, with time enough where the machine is busy."""
    return GatewayRouter({**SETTINGS, "timeout": 20.0, **others})


def verbs(server: Pretended) -> list[str]:
    """What was asked: an apply that takes over is ``FORCE``."""
    return ["FORCE" if "force=true" in each.line else each.line.partition(" ")[0] for each in server.asked]


def conflict(server: Pretended, *managers: str) -> None:
    """The next request is refused since these own the rules, or without any since somebody was faster."""
    said = [
        {"reason": "FieldManagerConflict", "message": f'conflict with "{each}" using v1', "field": ".spec.rules"}
        for each in managers
    ]
    server.refuse(409, "Conflict", "no", name="api", **({"causes": said} if said else {}))


def test_a_write_is_one_read_one_apply_and_a_look(server: Pretended) -> None:
    """What is sent is the whole list of rules, for the route that was read; it takes three requests."""
    for each in (BEFORE, AFTER, AFTER):
        server.answer(200, each)
    mine().write(GREEN)
    assert verbs(server) == ["GET", "PATCH", "GET"]
    assert server.asked[1].body["metadata"] == {"uid": "u", "resourceVersion": "7", "name": "api", "namespace": "shop"}
    assert server.asked[1].body["spec"] == {"rules": [rule(0, 100)]}


def test_it_tries_again_while_the_server_is_not_well(server: Pretended) -> None:
    """A server in trouble, one that wants to be left alone, and one that lost the answer keep a write waiting, and no more."""
    server.answer(503, "no upstream")
    server.answer(429, "slowly", retry_after="0")
    server.answer(200, BEFORE)
    server.answer(500, "etcdserver: request timed out")
    server.answer(200, AFTER)
    server.answer(502, "bad gateway")
    server.answer(200, AFTER)
    mine().write(GREEN)
    assert verbs(server) == ["GET", "GET", "GET", "PATCH", "GET", "GET", "GET"]


def test_who_wants_to_be_left_alone_for_long_is(server: Pretended) -> None:
    """A server that asks for more time than there is is not asked again, and it says so."""
    server.answer(429, "too many requests", retry_after="60")
    with pytest.raises(RouterError, match="is not written") as caught:
        mine().write(GREEN)
    assert caught.value.cause == f"{server.address} answers with status 429: too many requests"
    assert verbs(server) == ["GET"]


def test_it_is_not_known_what_a_lost_answer_did(server: Pretended) -> None:
    """Where the server fails after the weights were sent, nobody claims that nothing was written."""
    server.answer(200, BEFORE)
    server.answer(429, "too many requests", retry_after="60")
    with pytest.raises(RouterError, match="may be written or not"):
        mine().write(GREEN)


def test_who_was_slower_reads_again(server: Pretended) -> None:
    """Where somebody changed the route since it was read, what he made of it is what is changed."""
    server.answer(200, BEFORE)
    conflict(server)
    server.answer(200, read({"name": "theirs"}, rule(), said=[report()]))
    server.answer(200, read({"name": "theirs"}, rule(0, 100), generation=2, said=[report(2)]))
    server.answer(200, AFTER)
    mine().write(GREEN)
    assert verbs(server) == ["GET", "PATCH", "GET", "PATCH", "GET"]
    assert server.asked[3].body["spec"]["rules"] == [{"name": "theirs"}, rule(0, 100)]


def test_only_pulumi_is_taken_over_from(server: Pretended) -> None:
    """Rules that Pulumi alone owns are taken, on the same condition; where anybody else owns them too, nothing more is sent."""
    server.answer(200, BEFORE)
    conflict(server, "pulumi-kubernetes-1a2b", "pulumi-kubernetes")
    server.answer(200, AFTER)
    server.answer(200, AFTER)
    mine().write(GREEN)
    assert verbs(server) == ["GET", "PATCH", "FORCE", "GET"]
    assert server.asked[2].body == server.asked[1].body

    server.answer(200, BEFORE)
    conflict(server, "pulumi-kubernetes-1a2b", "helm")
    with pytest.raises(RouterError, match="somebody else's; nothing was written") as caught:
        mine(context="here").write(GREEN)
    assert verbs(server)[4:] == ["GET", "PATCH"]
    assert caught.value.cause == "helm owns .spec.rules, pulumi-kubernetes-1a2b owns .spec.rules"
    assert "kubectl --context here -n shop get httproute api" in str(caught.value.hint)


def test_a_race_for_the_takeover_is_lost_like_any_other(server: Pretended) -> None:
    """Where somebody is faster between the refusal and the takeover, all of it begins again."""
    server.answer(200, BEFORE)
    conflict(server, "pulumi-kubernetes-1a2b")
    conflict(server)
    for each in (BEFORE, AFTER, AFTER):
        server.answer(200, each)
    mine().write(GREEN)
    assert verbs(server) == ["GET", "PATCH", "FORCE", "GET", "PATCH", "GET"]


def test_what_does_not_change_is_not_tried_again(server: Pretended, tmp_path: Path) -> None:
    """No right, no route, rules that the server refuses, an answer that is no route, no kubeconfig: it is told at once."""
    server.refuse(403, "Forbidden", "jo may not", name="api")
    server.refuse(404, "NotFound", "not found", name="api")
    server.answer(200, {"kind": "Page"})
    for _ in range(3):
        with pytest.raises(RouterError, match="nothing was written"):
            mine().write(GREEN)
    server.answer(200, BEFORE)
    server.refuse(422, "Invalid", "spec.rules: Too many", name="api")
    with pytest.raises(RouterError, match="nothing was written") as caught:
        mine().write(GREEN)
    assert caught.value.cause == "spec.rules: Too many"
    assert verbs(server) == ["GET", "GET", "GET", "GET", "PATCH"]

    (tmp_path / "config").unlink()
    with pytest.raises(RouterError, match="is not written") as away:
        mine().write(GREEN)
    assert "no file" in str(away.value.cause)


def test_nothing_is_asked_for_weights_that_are_none(server: Pretended) -> None:
    """Slots that there are not, and numbers that are no percentages, are refused before anybody is asked."""
    for weights, keep in (({"red": 100}, ()), (BLUE, {"red"}), ({"blue": 60, "green": 60}, ())):
        with pytest.raises(RouterError, match="nothing was written"):
            mine().write(weights, keep)
    assert server.asked == []


def test_a_read_asks_once(server: Pretended) -> None:
    """A read is one request, whatever becomes of it: who reads often sees the next one soon."""
    server.answer(503, "no upstream")
    with pytest.raises(RouterError, match="its weights cannot be read"):
        mine().read()
    server.answer(200, AFTER)
    assert mine().read() == GREEN
    assert verbs(server) == ["GET", "GET"]
