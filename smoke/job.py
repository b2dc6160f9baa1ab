"""A Job of a cluster that drives a rollout: it goes on when whoever began it goes home.

It is given the contract, and finds journal, route and pods as whoever drives from outside does. It has no Pulumi and no project:
what is left for those once all traffic is back is left to whoever has them. Its pod may be killed at any time; the next goes on.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Self

from infra.contract import Backend, Contract, Json, Service
from smoke.cluster import JOB, STACK_LABEL, Cluster, Reach
from smoke.errors import DeployError
from smoke.refusal import Refused, Unreached
from smoke.settings import check, is_text

CONTRACT = "contract.json"
"""The contract's name in its folder."""
_FOLDER = "/etc/crossfade"
_NOTE = "crossfade/contract"
_USER = 10001
_KEPT = 24 * 3600
"""Seconds that a Job that has ended stays to be looked at."""
_TRIES = 20
"""How often its pod may fail."""
_ANSWER = 5.0


@dataclass(frozen=True, slots=True)
class Settings:
    """What the contract says of whoever drives."""

    reach: Reach
    image: str
    account: str
    """The ServiceAccount that has the rights to."""

    @classmethod
    def of(cls, settings: Mapping[str, Json]) -> Self:
        """Read them.

        Raises:
            UsageError: one is missing, unknown or of the wrong kind.
        """
        needed = {"namespace": is_text, "image": is_text, "account": is_text}
        check("driver job", settings, needed, {"context": is_text}, "it has: namespace, image, account and context (texts)")
        return cls(Reach(settings.get("context"), settings["namespace"]), settings["image"], settings["account"])


class Errand:
    """One rollout, as a Job."""

    def __init__(self, contract: Contract, driver: Backend, rollout: str) -> None:
        """Nothing is asked yet.

        Raises:
            UsageError: a setting of the contract makes no sense.
        """
        self._contract = contract
        self._rollout = rollout
        self._settings = Settings.of(driver.settings)
        self._cluster = Cluster(self._settings.reach, _ANSWER)
        self.name = f"crossfade-{contract.stack}-{rollout}"
        """Of the Job."""

    def begin(self) -> None:
        """Start it; may be repeated: it is started once.

        Raises:
            DeployError: the cluster does not take it.
        """
        spec = {"backoffLimit": _TRIES, "ttlSecondsAfterFinished": _KEPT, "template": self._pod()}
        try:
            self._cluster.create(JOB, self.name, {"metadata": {"name": self.name, "labels": self._labels}, "spec": spec})
        except Refused as error:
            if error.status != HTTPStatus.CONFLICT:
                raise self._error(error) from error
        except Unreached as error:
            raise self._error(error) from error

    @property
    def _labels(self) -> Mapping[str, Json]:
        return {STACK_LABEL: self._contract.stack, "app.kubernetes.io/managed-by": "crossfade"}

    def _pod(self) -> Mapping[str, Json]:
        words = ["python", "-m", "smoke.stationed", "--contract", f"{_FOLDER}/{CONTRACT}", "--rollout", self._rollout]
        container = {
            "name": "driver",
            "image": self._settings.image,
            "command": words,
            "env": [{"name": "HOME", "value": "/tmp"}],  # noqa: S108 - the pod's own
            "securityContext": {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            },
            "volumeMounts": [
                {"name": "contract", "mountPath": _FOLDER, "readOnly": True},
                {"name": "tmp", "mountPath": "/tmp"},  # noqa: S108 - dito
            ],
        }
        profile = {"type": "RuntimeDefault"}
        # In the Job itself: it comes and goes with it, and is what it was when the rollout began.
        given = {"path": CONTRACT, "fieldRef": {"fieldPath": f"metadata.annotations['{_NOTE}']"}}
        return {
            "metadata": {"labels": self._labels, "annotations": {_NOTE: json.dumps(inside(self._contract).to_json())}},
            "spec": {
                "serviceAccountName": self._settings.account,
                "restartPolicy": "OnFailure",
                "enableServiceLinks": False,
                "securityContext": {"runAsNonRoot": True, "runAsUser": _USER, "runAsGroup": _USER, "seccompProfile": profile},
                "containers": [container],
                "volumes": [{"name": "contract", "downwardAPI": {"items": [given]}}, {"name": "tmp", "emptyDir": {}}],
            },
        }

    def _error(self, cause: Exception) -> DeployError:
        return DeployError(
            "the Job that is to drive cannot be made",
            where=f"Job {self.name} in namespace {self._settings.reach.namespace}",
            cause=str(cause),
            hint="crossfade promote drives it here, crossfade abort takes it back",
        )


def inside(contract: Contract) -> Contract:
    """The contract as a pod of the cluster needs it: no backend names a context, for a pod has none."""
    services = tuple(_inside(each) for each in contract.services)
    return replace(contract, services=services, journal=_here(contract.journal), driver=None, config={})


def _inside(service: Service) -> Service:
    return replace(
        service,
        probes=tuple(each for each in map(_here, service.probes) if each is not None),
        router=_here(service.router),
        meter=_here(service.meter),
        handover=_here(service.handover),
        capacity=_here(service.capacity),
    )


def _here(backend: Backend | None) -> Backend | None:
    if backend is None:
        return None
    return replace(backend, settings={key: value for key, value in backend.settings.items() if key != "context"})
