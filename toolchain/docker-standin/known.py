"""What the stand-in knows of each resource: anything else is refused, since to pass over it would prove a thing that is not so."""

from collections.abc import Iterator, Mapping
from typing import Any

UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
"""How the engine of Pulumi writes a text that is not known yet, in a preview."""

LEAF = None
LABELS = [{"label": LEAF, "value": LEAF}]

# A property is a leaf (a value, a list or a map of values), an object, or a list of objects.
KNOWN: Mapping[str, Mapping[str, Any]] = {
    "Network": {
        "name": LEAF,
        "driver": LEAF,
        "ipamConfigs": [{"subnet": LEAF, "gateway": LEAF, "ipRange": LEAF}],
        "labels": LABELS,
    },
    "Volume": {"name": LEAF, "labels": LABELS, "driver": LEAF, "driverOpts": LEAF},
    "RemoteImage": {"name": LEAF, "keepLocally": LEAF, "pullTriggers": LEAF},
    "Container": {
        "name": LEAF,
        "image": LEAF,
        "command": LEAF,
        "entrypoints": LEAF,
        "envs": LEAF,
        "labels": LABELS,
        "networksAdvanced": [{"name": LEAF, "ipv4Address": LEAF, "aliases": LEAF}],
        "networkMode": LEAF,
        "hosts": [{"host": LEAF, "ip": LEAF}],
        "mounts": [{"type": LEAF, "source": LEAF, "target": LEAF, "readOnly": LEAF}],
        "ports": [{"internal": LEAF, "external": LEAF, "ip": LEAF, "protocol": LEAF}],
        "restart": LEAF,
        "init": LEAF,
        "user": LEAF,
        "memory": LEAF,
        "memorySwap": LEAF,
        "cpus": LEAF,
        "logDriver": LEAF,
        "logOpts": LEAF,
        "stopSignal": LEAF,
        "stopTimeout": LEAF,
        "destroyGraceSeconds": LEAF,
        "mustRun": LEAF,
        "workingDir": LEAF,
        "readOnly": LEAF,
        "tmpfs": LEAF,
        "securityOpts": LEAF,
        "capabilities": {"adds": LEAF, "drops": LEAF},
        "healthcheck": {
            "tests": LEAF,
            "interval": LEAF,
            "timeout": LEAF,
            "startPeriod": LEAF,
            "retries": LEAF,
        },
    },
}


def unknown_properties(kind: str, inputs: Mapping[str, Any]) -> list[str]:
    """The paths of all properties that the stand-in does not know, such as ``mounts[0].volumeOptions``."""
    return list(_strangers(KNOWN[kind], inputs, ""))


def _strangers(shape: Any, value: Any, path: str) -> Iterator[str]:
    if shape is LEAF or value == UNKNOWN:
        return
    if isinstance(shape, list):
        for index, each in enumerate(value):
            yield from _strangers(shape[0], each, f"{path}[{index}]")
        return
    for key, each in value.items():
        inner = f"{path}.{key}" if path else key
        if key in shape:
            yield from _strangers(shape[key], each, inner)
        else:
            yield inner
