"""A node that runs short of memory, and what its cluster takes of it."""

import json

import psutil
from kube_node import NAME, Node

HUNGER = 1536 * 2**20
"""Bytes of memory that are missing where a node runs short of it."""
_HOG, _WHERE = "hungry", "default"


def tight(node: Node) -> None:
    """Have the kubelet call the node short of memory once ``HUNGER`` less than now is there. It is started anew for that."""
    file = node.folder / "kubelet.yaml"
    settings = json.loads(file.read_text(encoding="utf-8"))
    there = json.loads(node.api.said(f"/api/v1/nodes/{NAME}/proxy/stats/summary"))["node"]["memory"]["availableBytes"]
    settings["evictionHard"]["memory.available"] = str(there - HUNGER)
    settings["evictionPressureTransitionPeriod"] = "10s"
    file.write_text(json.dumps(settings), encoding="utf-8")
    with node.kubelet.away():
        pass


def hog(node: Node) -> None:
    """Begin a pod that takes twice that."""
    words = ["python", "-c", f"kept = b'x' * {2 * HUNGER}; import time; time.sleep(600)"]
    container = {"name": _HOG, "image": "localhost/trading:py312", "imagePullPolicy": "Never", "args": words}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": _HOG, "namespace": _WHERE}}
    node.api.apply({**pod, "spec": {"restartPolicy": "Never", "containers": [container]}})


def evicted(node: Node) -> bool:
    """Whether the kubelet took that pod away."""
    return node.api.get("pod", _HOG, "-n", _WHERE)["status"].get("reason") == "Evicted"


def memory(node: Node) -> str:
    """What the cluster itself takes: all of its daemons, without pods."""
    own = (str(node.folder), str(node.api.folder), str(node.api.binaries))
    size = 0
    for each in psutil.process_iter(["cmdline", "memory_info"]):
        words = each.info["cmdline"] or ["shim"]
        if "shim" not in words[0] and any(one in " ".join(words) for one in own):
            size += each.info["memory_info"].rss
    return f"the cluster's daemons take {size / 2**20:.0f} MB"
