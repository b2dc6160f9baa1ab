"""A program's pod: its words, its environment, what it may do, and how it ends. Pure.

All of it follows from what is recorded of a program and from its image: what is recorded once gives the same pod again.
"""

from collections.abc import Mapping

from infra.contract.document import Json
from infra.release import Inputs, version_of
from infra.targets.kubernetes.asking import probes
from infra.targets.kubernetes.layout import BEAT, DATA, PORT, USER, VERSION, Seat
from infra.targets.kubernetes.manifests import GRACE, template

EVERYWHERE = "0.0.0.0"  # noqa: S104 - an address of the pod's own
LEAVING = 10
"""Seconds that a pod goes on answering after it was told to go: until then somebody may still send it requests."""
STOP = 15
"""Seconds that a program has to end when it is asked to."""
SPARE = 5
"""Seconds beside both, before it is killed."""
APP = "app"
"""Name of the container."""
_TMP = "/tmp"  # noqa: S108 - the pod's own


def words(inputs: Inputs) -> list[str]:
    """The words of its command, ``{host}`` and ``{port}`` filled in."""
    port = str(inputs.get("port", ""))
    return [word.replace("{host}", EVERYWHERE).replace("{port}", port) for word in inputs["command"]]


def environment(seat: Seat, inputs: Inputs) -> Mapping[str, str]:
    """What it is given. No fence: of a singleton, one slot alone has a pod."""
    given = {
        "HOME": _TMP,  # its user has no other
        **inputs["env"],
        "HOST": EVERYWHERE,
        "CROSSFADE_SERVICE": seat.service,
        "CROSSFADE_RUNTIME": inputs["runtime"],
        "CROSSFADE_VERSION": version_of(inputs),
        "CROSSFADE_DATA": str(DATA),
    }
    if inputs.get("port") is not None:
        given["PORT"] = str(inputs["port"])
    if seat.slot is not None:
        given |= {"CROSSFADE_SLOT": seat.slot, "CROSSFADE_HEARTBEAT": str(BEAT)}
    return given


def takes_requests(inputs: Inputs) -> bool:
    """Whether users, or others of the stack, send it requests."""
    return inputs["kind"] != "singleton" and inputs.get("port") is not None


def grace(inputs: Inputs) -> int:
    """Seconds from being told to go to being killed."""
    if "manifests" in inputs:
        return int(inputs["manifests"]["pod"].get("terminationGracePeriodSeconds", GRACE))
    return (LEAVING if takes_requests(inputs) else 0) + STOP + SPARE


def pod(seat: Seat, inputs: Inputs, image: Json) -> Mapping[str, Json]:
    """The template of its pods; ``image`` is a name, by digest where it is ours, and may be an output of Pulumi."""
    if "manifests" in inputs:
        return template(seat, inputs["manifests"], image, version_of(inputs), inputs["env"])
    return {
        "metadata": {"labels": {**seat.labels, VERSION: version_of(inputs)}},
        "spec": {
            "automountServiceAccountToken": False,
            # Else a service PORT beside it would give it a variable of that name.
            "enableServiceLinks": False,
            "terminationGracePeriodSeconds": grace(inputs),
            "securityContext": {
                "runAsNonRoot": True,
                "runAsUser": USER,
                "runAsGroup": USER,
                "fsGroup": USER,
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            # A lost node may go on: whoever is replaced then is at work twice.
            **({"tolerations": _stays_put()} if inputs["kind"] == "singleton" else {}),
            "containers": [_container(seat, inputs, image)],
            "volumes": [{"name": name, "emptyDir": {}} for name in _folders()],
        },
    }


def _container(seat: Seat, inputs: Inputs, image: Json) -> Mapping[str, Json]:
    port = inputs.get("port")
    given = environment(seat, inputs)
    return {
        "name": APP,
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "args": words(inputs),
        "env": [{"name": name, "value": value} for name, value in sorted(given.items())],
        **({} if port is None else {"ports": [{"name": PORT, "containerPort": port, "protocol": "TCP"}]}),
        **probes(inputs["health"], listens=port is not None),
        # The kubelet does the waiting: an image need not have a program for it.
        **({"lifecycle": {"preStop": {"sleep": {"seconds": LEAVING}}}} if takes_requests(inputs) else {}),
        **_resources(inputs),
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": [{"name": name, "mountPath": path} for name, path in _folders().items()],
    }


def _stays_put() -> list[Json]:
    """For ever on its node, also when nobody hears of that any more."""
    lost = ("node.kubernetes.io/unreachable", "node.kubernetes.io/not-ready")
    return [{"key": key, "operator": "Exists", "effect": "NoExecute"} for key in lost]


def _folders() -> Mapping[str, str]:
    """Where a pod may write, by the name of the volume; each is the pod's own, and goes with it."""
    return {"tmp": _TMP, "data": str(DATA), "beat": str(BEAT.parent)}


def _resources(inputs: Inputs) -> Mapping[str, Json]:
    """Memory is what it asks for and no more. Of processors it may use what nobody else does: to slow it down helps nobody."""
    memory = {"memory": f"{inputs['memory']}Mi"} if "memory" in inputs else {}
    cpu = {"cpu": f"{inputs['cpus']:g}"} if "cpus" in inputs else {}
    found = {name: each for name, each in (("requests", {**memory, **cpu}), ("limits", memory)) if each}
    return {"resources": found} if found else {}
