"""What ``crossfade doctor`` says of a stack in a cluster, by the word of a real API server."""

import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
import yaml
from kube_api import Api
from kube_roles import GATEWAY, MANIFEST, ROLLOUT, applied, bound, rights
from machine import wait_for

from smoke.doctor.cluster import COUNTERS
from tests.kubernetes.test_ground import gateway, placed
from tests.smoke.api_pretended import Pretended
from tests.smoke.cli.program import crossfade, documents

Checks = Mapping[str, Mapping[str, str]]
COUNTER = COUNTERS["traefik"]


class Patient:
    """A stack that was never brought up, in a namespace with a Gateway, and a user who has no rights."""

    def __init__(self, api: Api, namespace: str, folder: Path, metrics: Pretended) -> None:
        self.api, self.namespace, self.folder, self.metrics = api, namespace, folder, metrics
        api.namespace(namespace)
        gateway(api, namespace, "own")
        (folder / "Pulumi.yaml").write_text("name: shop\n", encoding="utf-8")
        self.user = f"patient-{namespace}"
        self.kubeconfig = api.user(self.user)
        self.settle()

    def settle(self, listener: str = "web", **change: object) -> None:
        """Write the settings."""
        counters = {"kind": "traefik", "url": f"{self.metrics.address}/metrics"}
        values = placed(self.namespace, **{"metrics": counters, **change})
        values = {**values, "services": {"api": {**values["services"]["api"], "listener": listener}}}
        settings = {"config": {f"crossfade:{key}": value for key, value in values.items()}}
        (self.folder / "Pulumi.prod.yaml").write_text(yaml.safe_dump(settings), encoding="utf-8")

    def checks(self, text: str = f'{COUNTER}{{service="a"}} 1\n') -> Checks:
        """What the doctor says, by check; of several of a name the first. The gateway shows that text."""
        self.metrics.answer(200, text)
        environment = {"KUBECONFIG": str(self.kubeconfig), "PATH": str(self.api.binaries), "NO_PROXY": "*"}
        done = crossfade("doctor", "--json", "--stack", "prod", folder=self.folder, environment=environment)
        [document] = documents(done.stdout)
        return {each["name"]: each for each in reversed(document["checks"])}


@pytest.fixture(name="patient")
def _patient(kube_api: Api, namespace: str, tmp_path: Path) -> Iterator[Patient]:
    """One whose gateway's counters are pretended."""
    with Pretended() as metrics:
        yield Patient(kube_api, namespace, tmp_path, metrics)


def verdicts(found: Checks) -> Mapping[str, str]:
    """Those about the cluster."""
    named = ("lightkube", "pulumi-kubernetes", "plugin kubernetes", "kubeconfig", "cluster", "rights", "gateway api", "metrics")
    return {name: found[name]["verdict"] for name in named}


def test_what_is_lacking_is_told_and_its_fix_mends_it(patient: Patient) -> None:
    """Who has no rights is told each of them; the commands beside it, typed by whoever owns the cluster, give them all."""
    before = patient.checks()
    lacking = [f"{verb} {what}.{group}" if group else f"{verb} {what}" for group, what, verb in rights(ROLLOUT)]
    told, *commands = before["rights"]["fix"].splitlines()
    for each in commands:
        kubectl, *words = shlex.split(each)
        assert kubectl == "kubectl"
        patient.api.kubectl(*(str(MANIFEST) if word == "deploy/rbac.yaml" else word for word in words))
    after = wait_for(lambda: _well(patient.checks()), "the roles are known", limit=30)

    assert told == "ask whoever owns the cluster for:"
    assert before["rights"]["found"] == f"in namespace {patient.namespace} we may not: {', '.join(lacking)}"
    assert verdicts(before) == {**dict.fromkeys(verdicts(before), "ok"), "rights": "missing"}
    assert verdicts(after) == dict.fromkeys(verdicts(before), "ok")
    assert "docker" not in after, "the images are built elsewhere"


def _well(found: Checks) -> Checks | None:
    return found if found["rights"]["verdict"] == "ok" else None


def test_the_gateway_is_looked_at(patient: Patient) -> None:
    """Who may not look is told so; who may is told what no controller has said yet; one that is not there is missing."""
    closed = patient.checks()["gateway"]
    applied(patient.api, patient.namespace)
    bound(patient.api, patient.namespace, GATEWAY, patient.user, kind="clusterrole")
    patient.settle(gateway="other")
    other = wait_for(lambda: _seen(patient.checks()), "the role is known", limit=30)["gateway"]
    patient.settle()
    own = patient.checks("traefik_config_reloads_total 1\n")

    assert closed["verdict"] == "unknown"
    assert 'cannot get resource "gateways"' in closed["found"]
    assert (other["verdict"], other["found"]) == ("missing", f"there is no Gateway {patient.namespace}/other")
    assert (own["gateway"]["verdict"], own["metrics"]["verdict"]) == ("note", "note")
    assert "is not programmed: Waiting for controller" in own["gateway"]["found"]


def _seen(found: Checks) -> Checks | None:
    return found if found["gateway"]["verdict"] != "unknown" else None


def test_what_is_told_is_not_told_again(patient: Patient) -> None:
    """What is wrong with the Gateway is told by the doctor, and the check of the settings has no other fault."""
    patient.kubeconfig = patient.api.kubeconfig
    well = patient.checks()
    patient.settle(gateway="other")
    missing = patient.checks()
    patient.settle("https")
    listening = patient.checks()

    assert (well["gateway"]["verdict"], well["settings"]["verdict"]) == ("note", "ok")
    assert (missing["gateway"]["verdict"], missing["settings"]["verdict"]) == ("missing", "note")
    assert (listening["gateway"]["verdict"], listening["settings"]["verdict"]) == ("missing", "note")
    assert listening["gateway"]["found"] == f"{patient.namespace}/own has web, and not https"


def test_a_cluster_that_is_away(patient: Patient, tmp_path: Path) -> None:
    """Nobody listens where the kubeconfig says: that is told once, here and not by the settings' own check."""
    known = yaml.safe_load(patient.kubeconfig.read_text(encoding="utf-8"))
    known["clusters"][0]["cluster"]["server"] = "https://127.0.0.1:1"
    patient.kubeconfig = tmp_path / "away"
    patient.kubeconfig.write_text(yaml.safe_dump(known), encoding="utf-8")
    found = patient.checks()

    assert (found["kubeconfig"]["verdict"], found["cluster"]["verdict"]) == ("ok", "missing")
    assert "Connection refused" in found["cluster"]["found"]
    assert "does not answer" not in found["settings"]["found"]


def test_a_context_that_is_not_there(patient: Patient) -> None:
    """It is told by its name, with those that there are, and nothing else is asked."""
    patient.settle(context="elsewhere")
    found = patient.checks()

    assert found["kubeconfig"]["verdict"] == "missing"
    assert "there is no context elsewhere" in found["kubeconfig"]["found"]
    assert {"cluster", "rights", "gateway"} & found.keys() == set()
