"""What holds for the checks of a doctor where a stack lives in a cluster. Who answers for the cluster is pretended here."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from importlib.metadata import version
from pathlib import Path

import pytest

from infra.contract import Json
from infra.targets.kubernetes import cluster as asked
from infra.targets.kubernetes import ground
from infra.targets.kubernetes.metering import envoy, traefik
from smoke.doctor import CLUSTER, Check, Outcome, Said, Stake, examine
from smoke.doctor.cluster import COUNTERS, GATEWAYS, OLDEST, PROVIDER, RIGHTS
from tests.smoke.api_pretended import Pretended, write
from tests.smoke.cli.made_up import World
from tests.smoke.cli.test_doctor_containers import BUILDER, BUILDX, DOCKER
from tests.smoke.cli.test_doctor_containers import world as with_docker

OK, MISSING, OLD, UNKNOWN, NOTE = Outcome
PLUGIN = f"/home/me/.pulumi/plugins/resource-kubernetes-v{PROVIDER}/pulumi-resource-kubernetes"
COUNTER = COUNTERS["traefik"]
JANE = "https://id.example.com#jane"
COUNTS = sum(map(len, RIGHTS.values()))
"""Rights that are asked for, one request each."""
GATEWAY = {
    "spec": {"listeners": [{"name": "web"}]},
    "status": {"conditions": [{"type": "Programmed", "status": "True"}]},
}


@pytest.fixture(name="server")
def _server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Pretended]:
    """Who answers, for the cluster of the current context and for the gateway's counters."""
    with Pretended() as made:
        write(tmp_path / "config", made.address, "here")
        monkeypatch.setenv("KUBECONFIG", str(tmp_path / "config"))
        monkeypatch.setenv("NO_PROXY", "*")
        yield made


def stake(server: Pretended) -> Stake:
    """A stack behind the listener ``web`` that builds images."""
    door, counters = ("gateways", "public"), [f"{server.address}/metrics"]
    return Stake(None, "trading", door, frozenset({"web"}), COUNTER, counters, "unix:///engine")


def world() -> World:
    """A machine with everything that a cluster needs of it, at the very limits."""
    made = with_docker()
    made.packages |= {"lightkube": "1.0.0", "pulumi-kubernetes": PROVIDER}
    made.programs[PLUGIN] = Said(0, "")
    return made


@dataclass(frozen=True, slots=True)
class Says:
    """What a cluster says, and the gateway's counters: all is well, unless a test says otherwise."""

    release: str = "v1.30.0"
    allowed: int = COUNTS
    """So many of the rights that are asked for, the first ones."""
    kinds: tuple[str, ...] = ("gateways", "httproutes")
    gateway: tuple[int, Json] = (200, GATEWAY)
    metrics: tuple[int, str] = (200, f'{COUNTER}{{service="a"}} 1\n')

    def to(self, server: Pretended) -> None:
        """Have it said in the order that it is asked."""
        server.answer(200, {"gitVersion": self.release})
        for number in range(COUNTS):
            server.answer(201, {"status": {"allowed": number < self.allowed}})
        if self.allowed < COUNTS:
            server.answer(201, {"status": {"userInfo": {"username": JANE}}})
        server.answer(200, {"resources": [{"name": each} for each in self.kinds]})
        if self.kinds:
            server.answer(*self.gateway)
        server.answer(*self.metrics)


def checks(machine: World, wanted: Stake) -> list[Check]:
    """Every check of what a cluster needs."""
    return examine({name: partial(part, machine, wanted) for name, part in CLUSTER.items()})


def test_where_everything_is_there(server: Pretended) -> None:
    """Where everything is as wanted, every check is ok with what was found, and has no fix; nothing was written."""
    Says().to(server)
    every = checks(world(), stake(server))

    assert [(check.name, check.verdict, check.fix) for check in every] == [
        (name, OK, "")
        for name in (
            *("lightkube", "pulumi-kubernetes", "plugin kubernetes", "docker", "engine", "buildx", "plugin docker-build"),
            *("kubeconfig", "cluster", "rights", "gateway api", "gateway", "metrics"),
        )
    ]
    found = {check.name: check.found for check in every}
    assert found["plugin kubernetes"] == PLUGIN
    assert found["kubeconfig"] == f"the current context leads to {server.address}"
    assert found["cluster"] == f"1.30.0 ({server.address})"
    assert found["gateway"] == "gateways/public with web"
    posts = {each.line for each in server.asked if not each.line.startswith("GET ")}
    assert posts == {"POST /apis/authorization.k8s.io/v1/selfsubjectaccessreviews"}


LACKS: Mapping[str, tuple[Callable[[World], object], str, str]] = {
    "no extra": (lambda made: made.packages.pop("lightkube"), "lightkube", "uv sync --extra kubernetes"),
    "no library": (lambda made: made.packages.pop("pulumi-kubernetes"), "pulumi-kubernetes", "uv sync --extra kubernetes"),
    "no provider": (
        lambda made: made.programs.pop(PLUGIN),
        "plugin kubernetes",
        f"pulumi plugin install resource kubernetes {PROVIDER}",
    ),
    "no builder": (lambda made: made.programs.pop(BUILDER), "plugin docker-build", "make docker"),
    "no buildx": (lambda made: made.programs.update({BUILDX: Said(1, "")}), "buildx", "make docker"),
}


@pytest.mark.parametrize("lack", LACKS)
def test_a_machine_that_lacks_something(server: Pretended, lack: str) -> None:
    """What is missing is told with the fix that mends it, and nothing else is wrong because of it."""
    change, name, fix = LACKS[lack]
    Says().to(server)
    machine = world()
    change(machine)
    wrong = [check for check in checks(machine, replace(stake(server), urls=())) if check.verdict is not OK]

    assert [(check.name, check.verdict) for check in wrong] == [(name, MISSING)]
    assert fix in wrong[0].fix


def test_what_builds_nothing_needs_no_engine(server: Pretended) -> None:
    """Where no image is built there may be no docker at all; a stack without a Gateway is asked for none."""
    Says().to(server)
    machine = world()
    for each in (DOCKER, BUILDX, BUILDER):
        del machine.programs[each]
    every = checks(machine, replace(stake(server), engine=None, gateway=None, urls=()))

    assert [check.name for check in every] == [
        "lightkube",
        "pulumi-kubernetes",
        "plugin kubernetes",
        "kubeconfig",
        "cluster",
        "rights",
    ]
    assert {check.verdict for check in every} == {OK}


def test_the_plugin_belongs_to_the_package(server: Pretended) -> None:
    """Pulumi wants the plugin of just the release that the package is of."""
    Says().to(server)
    machine = world()
    machine.packages["pulumi-kubernetes"] = "4.32.1"
    (wrong,) = [check for check in checks(machine, stake(server)) if check.verdict is not OK]

    assert (wrong.name, wrong.fix) == ("plugin kubernetes", "pulumi plugin install resource kubernetes 4.32.1")


SAYS: Mapping[str, tuple[Says, str, Outcome, str, str]] = {
    "an old cluster": (Says(release="v1.29.9"), "cluster", OLD, "1.29.9", "take a cluster of 1.30 or newer"),
    "no version": (Says(release="new"), "cluster", UNKNOWN, "no version in 'new'", ""),
    "a right less": (
        Says(allowed=COUNTS - 1),
        "rights",
        MISSING,
        "in namespace trading we may not: create jobs.batch",
        f"rolebinding 'crossfade-rollout:https:--id.example.com#jane' --role crossfade-rollout --user '{JANE}'",
    ),
    "no kinds": (Says(kinds=()), "gateway api", MISSING, "the cluster has no kinds of", "getting-started"),
    "no gateway": (
        Says(gateway=(404, {"message": "not found"})),
        "gateway",
        MISSING,
        "there is no Gateway gateways/public",
        "kubectl get gateways -A",
    ),
    "a gateway that may not be seen": (
        Says(gateway=(403, {"message": "you may not"})),
        "gateway",
        UNKNOWN,
        "you may not",
        "rbac.yaml",
    ),
    "another listener": (
        Says(gateway=(200, {"spec": {"listeners": [{"name": "https"}]}})),
        "gateway",
        MISSING,
        "gateways/public has https, and not web",
        "listener: https",
    ),
    "a gateway without a controller": (
        Says(gateway=(200, {"spec": {"listeners": [{"name": "web"}]}})),
        "gateway",
        NOTE,
        "no controller says so",
        "kubectl -n gateways describe gateway public",
    ),
    "no such page": (Says(metrics=(404, "")), "metrics", MISSING, "404", "curl -sS"),
    "no requests yet": (Says(metrics=(200, "traefik_config_reloads_total 1\n")), "metrics", NOTE, COUNTER, "addServicesLabels"),
    "another gateway": (Says(metrics=(200, f"my{COUNTER} 1\n")), "metrics", MISSING, "shows nothing of traefik's", "curl -sS"),
}


@pytest.mark.parametrize("says", SAYS)
def test_a_cluster_that_lacks_something(server: Pretended, says: str) -> None:
    """What is wrong has its own verdict and the fix that mends it; nothing else is wrong because of it."""
    change, name, verdict, found, fix = SAYS[says]
    change.to(server)
    wrong = [check for check in checks(world(), stake(server)) if check.verdict is not OK]

    assert [(check.name, check.verdict) for check in wrong] == [(name, verdict)]
    assert found in wrong[0].found
    assert fix in wrong[0].fix


def test_a_cluster_that_cannot_be_asked(server: Pretended) -> None:
    """A context that is not there, credentials that are not taken and what is no cluster are told; then nothing is asked."""
    wanted = replace(stake(server), urls=(), engine=None)
    nowhere = checks(world(), replace(wanted, context="elsewhere"))[-1]
    server.answer(401, {"message": "Unauthorized"})
    stranger = checks(world(), wanted)[-1]
    server.answer(200, "<html>")
    proxy = checks(world(), wanted)[-1]

    assert (nowhere.name, nowhere.verdict) == ("kubeconfig", MISSING)
    assert "there is no context elsewhere; it has here" in nowhere.found
    assert (stranger.name, stranger.verdict, stranger.fix) == ("cluster", MISSING, "kubectl auth whoami")
    assert (proxy.name, proxy.verdict, proxy.fix) == ("cluster", MISSING, "kubectl get --raw /readyz")


def test_what_infra_says_of_the_same() -> None:
    """The limits are those of ``infra`` and of its packages, and so are the names of the counters and of the kinds."""
    backends = {"blue": "api-blue"}
    counters = {
        "traefik": traefik(["u"], "a", "api", backends)["requests"],
        "envoy": envoy(["u"], "a", "api", (0,), {"blue": 0})["requests"],
    }

    assert counters == COUNTERS
    assert ".".join(map(str, ground.OLDEST)) == OLDEST
    assert GATEWAYS == asked.ROUTES.group == asked.GATEWAYS.group
    assert version("pulumi-kubernetes") == PROVIDER
