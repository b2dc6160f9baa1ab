"""The clusters that the tests of this folder have: what they may rely on."""

import json
import os
import shutil
import subprocess
import sys
import urllib.request
from collections import Counter
from pathlib import Path
from typing import Any

import kube_node as nodes
import kube_space
import psutil
import pytest
from docker_daemons import BIN, registry
from kube_api import Api, kube_api, missing
from kube_binaries import binaries
from kube_gateway import Gateway
from kube_images import ECHO, archive
from kube_node import Node
from machine import free_port, wait_for

PROGRAM = Path(nodes.__file__)
SETTINGS = ("net.ipv4.ip_forward", "kernel.panic", "kernel.panic_on_oops", "vm.overcommit_memory")
MACHINE = ("ip", "-o", "link"), ("ip", "route"), ("iptables", "-S"), ("iptables", "-t", "nat", "-S"), ("sysctl", *SETTINGS)
"""What says how this machine is."""
OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def test_an_api_server_comes_and_goes() -> None:
    """It serves the Gateway API's kinds without any privilege, and leaves no process and no file."""
    with kube_api() as api:
        kinds = api.kubectl("api-resources", "--api-group", "gateway.networking.k8s.io", "-o", "name").stdout.split()
        version = json.loads(api.kubectl("get", "--raw", "/version").stdout)
        ends = [api.server.pid]

    assert "httproutes.gateway.networking.k8s.io" in kinds
    assert (version["major"], version["minor"]) == ("1", "35")
    assert not any(Path("/proc", str(each)).exists() for each in ends)
    assert not api.folder.exists()


def test_each_writer_owns_what_it_wrote(kube_api: Api, namespace: str) -> None:
    """What is applied under one field manager is refused to another, and the server names the first."""
    kube_api.namespace(namespace)
    kube_api.apply(_settings(namespace, "first"), manager="one")
    with pytest.raises(RuntimeError, match='conflict with "one"'):
        kube_api.apply(_settings(namespace, "second"), manager="two")

    assert kube_api.get("configmap", "settings", "-n", namespace)["data"] == {"word": "first"}


def test_a_user_may_do_what_its_roles_allow(kube_api: Api, namespace: str) -> None:
    """Someone with a certificate, and a service account, are refused before a role is bound to them, and served after it."""
    kube_api.namespace(namespace)
    people = kube_api.user("somebody", "readers"), kube_api.service_account(namespace, "robot")
    ask = ("get", "configmap", "-n", namespace)
    refused = [kube_api.kubectl(*ask, check=False, kubeconfig=each).stderr for each in people]
    kube_api.kubectl("create", "role", "reader", "--verb", "list", "--resource", "configmaps", "-n", namespace)
    bound = ("--group", "readers", "--serviceaccount", f"{namespace}:robot")
    kube_api.kubectl("create", "rolebinding", "readers", "--role", "reader", *bound, "-n", namespace)

    assert all("Forbidden" in each for each in refused)
    for each in people:
        wait_for(
            lambda each=each: kube_api.kubectl(*ask, check=False, kubeconfig=each).returncode == 0, "the role is known", limit=10
        )


def test_an_api_server_is_away_and_comes_back(namespace: str) -> None:
    """One that was killed refuses connections, and knows everything when it is back."""
    with kube_api() as api:
        api.namespace(namespace)
        with api.away():
            refused = api.kubectl("get", "namespaces", check=False).stderr
        found = api.get("namespace", namespace)

    assert "refused" in refused
    assert found["metadata"]["name"] == namespace


def test_controllers_make_the_pods_of_a_deployment(kube_controlled: Api, namespace: str) -> None:
    """With controllers a Deployment gets its pods, though nothing runs them."""
    kube_controlled.namespace(namespace)
    kube_controlled.apply(_deployment(namespace, "api"))
    pods = wait_for(lambda: kube_controlled.get("pods", "-n", namespace)["items"], "the pods are made", limit=30, pause=0.1)

    assert {each["status"]["phase"] for each in pods} == {"Pending"}


def test_traffic_is_shared_by_weight(kube_node: Node, kube_gateway: Gateway, namespace: str) -> None:
    """Two Deployments get ready, and answer through the gateway in the shares that the route gives them."""
    api = kube_node.api
    api.namespace(namespace)
    for slot in ("blue", "green"):
        api.apply(_deployment(namespace, f"api-{slot}"), _service(namespace, f"api-{slot}"))
    for slot in ("blue", "green"):
        api.kubectl("rollout", "status", f"deployment/api-{slot}", "-n", namespace, "--timeout", "60s", limit=90)
    api.apply(_route(namespace, kube_gateway, {"api-blue": 90, "api-green": 10}))
    asked = f"{kube_gateway.urls['web']}/{namespace}"
    wait_for(lambda: _answer(asked) is not None, "the route is served", limit=30, pause=0.05)
    counted = Counter(_answer(asked) for _ in range(200))

    assert counted == {"api-blue": 180, "api-green": 20}
    assert f"{namespace}-api-green" in (_answer(kube_gateway.metrics) or "")


def test_a_service_is_reached_by_its_address(kube_node: Node, namespace: str) -> None:
    """This machine reaches the address that the cluster gave a service, and the log of its pods."""
    api = kube_node.api
    api.namespace(namespace)
    api.apply(_deployment(namespace, "api"), _service(namespace, "api"))
    address = api.get("service", "api", "-n", namespace)["spec"]["clusterIP"]
    wait_for(lambda: _answer(f"http://{address}") == "api", "the service answers", limit=60, pause=0.1)

    assert api.kubectl("logs", "deployment/api", "-n", namespace).returncode == 0


def test_a_pod_that_takes_too_much_is_ended(kube_node: Node, namespace: str) -> None:
    """The limits of a pod hold: one whose program takes more memory than it may have is ended for it."""
    api = kube_node.api
    api.namespace(namespace)
    greedy = [{"name": "HOLD", "value": "256"}]
    api.apply(_deployment(namespace, "api", resources={"limits": {"memory": "64Mi"}}, env=greedy))
    wait_for(lambda: "OOMKilled" in api.kubectl("get", "pods", "-n", namespace).stdout, "it is ended", limit=60, pause=0.2)
    api.kubectl("delete", "deployment", "api", "-n", namespace)


def test_an_image_comes_from_a_registry_on_loopback(kube_node: Node, namespace: str, tmp_path: Path) -> None:
    """A pod runs an image that only a registry on this machine's loopback has, as the tests of the target docker have one."""
    api, port = kube_node.api, free_port()
    api.namespace(namespace)
    with registry(tmp_path, tmp_path / "pushed", port) as there, kube_node.pulling(there):
        name = f"{there}/crossfade/echo:1"
        # An image of its own: under two names it would be forgotten under both with the first that is removed.
        kube_node.load(archive(tmp_path / "own.tar", name, {"/own": api.binaries / "echo"}, ["/own"]))
        kube_node.ctr("images", "push", "--plain-http", name)
        kube_node.ctr("images", "rm", name)
        api.apply(_deployment(namespace, "api", name, imagePullPolicy="Always"))
        api.kubectl("rollout", "status", "deployment/api", "-n", namespace, "--timeout", "60s", limit=90)

    assert f"{there}/crossfade/echo@sha256:" in api.kubectl("get", "pods", "-n", namespace, "-o", "yaml").stdout


def test_a_node_leaves_the_machine_as_it_was(machine: str) -> None:
    """A node whose pod runs ends at once, and links, routes, rules, settings, groups and mounts are those of before."""
    with nodes.kube_node() as node:
        node.api.apply(_deployment("default", "api"))
        node.api.kubectl("rollout", "status", "deployment/api", "--timeout", "60s", limit=90)
        seen = nodes.left(node)

    assert any("kubelet" in each for each in seen)
    assert {f"link {node.space.name}", str(node.folder)} <= set(seen)
    assert any(each.startswith("group ") for each in seen)
    assert nodes.left(node) == []
    assert _machine() == machine


def test_a_node_that_does_not_start_leaves_nothing(machine: str, tmp_path: Path) -> None:
    """A kubelet that ends at once is told with what it said, and all that was there before it is gone."""
    for each in binaries().iterdir():
        (tmp_path / each.name).symlink_to("/bin/false" if each.name == "kubelet" else each)
    done = subprocess.run(
        [sys.executable, str(PROGRAM)],
        env={**os.environ, "CROSSFADE_KUBERNETES": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert done.returncode == 1
    assert "RuntimeError: kubelet ended" in done.stderr
    assert _machine() == machine
    wait_for(lambda: not kube_space.orphans(), "its groups go", limit=30, pause=0.1)


def test_a_node_that_is_killed_leaves_what_the_next_one_clears(machine: str, tmp_path: Path) -> None:
    """Killed with whoever started it, a node takes its processes and its link along; its empty groups go with the next."""
    with subprocess.Popen([sys.executable, str(PROGRAM)], stdout=subprocess.PIPE, text=True) as started:
        assert started.stdout is not None
        said = started.stdout.readline()
        started.kill()
    folder = Path(said.removeprefix("export KUBECONFIG=").strip()).parents[1]
    wait_for(lambda: not any(str(folder) in each for each in _processes()), "its processes end", limit=30, pause=0.1)
    with kube_space.space(tmp_path):
        pass
    shutil.rmtree(folder)

    wait_for(lambda: not kube_space.orphans(), "its groups go", limit=30, pause=0.1)
    assert _machine() == machine


@pytest.fixture(name="machine")
def _machine_before() -> str:
    if (reason := missing() or nodes.missing()) is not None:
        pytest.skip(reason)
    return _machine()


def _machine() -> str:
    """How this machine is, as far as a node could change it, but for the links and groups of nodes: others may come and go."""
    mounts = Path("/proc/self/mounts").read_text(encoding="utf-8")
    groups = sorted(str(each) for each in Path("/sys/fs/cgroup").glob("*/*/"))
    said = [subprocess.run(each, env={"PATH": BIN}, capture_output=True, text=True, check=True).stdout for each in MACHINE]
    lines = "\n".join([mounts, *groups, *said]).splitlines()
    return "\n".join(each for each in lines if kube_space.PREFIX not in each)


def _processes() -> list[str]:
    return [" ".join(each.info["cmdline"] or []) for each in psutil.process_iter(["cmdline"])]


def _answer(url: str) -> str | None:
    """What was answered with 200; None where nobody does."""
    try:
        with OPENER.open(url, timeout=5) as answer:
            return str(answer.read().decode().strip())
    except OSError:
        return None


def _metadata(namespace: str, name: str) -> dict[str, Any]:
    return {"name": name, "namespace": namespace}


def _settings(namespace: str, word: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": _metadata(namespace, "settings"), "data": {"word": word}}


def _deployment(namespace: str, name: str, image: str = ECHO, **container: Any) -> dict[str, Any]:  # noqa: ANN401 - its fields
    ready = {"httpGet": {"path": "/", "port": 8080}, "periodSeconds": 1}
    own = {"name": "echo", "image": image, "readinessProbe": ready, "env": [{"name": "ANSWER", "value": name}], **container}
    pods = {"metadata": {"labels": {"app": name}}, "spec": {"containers": [own], "terminationGracePeriodSeconds": 1}}
    wanted = {"selector": {"matchLabels": {"app": name}}, "template": pods}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": _metadata(namespace, name), "spec": wanted}


def _service(namespace: str, name: str) -> dict[str, Any]:
    wanted = {"selector": {"app": name}, "ports": [{"port": 80, "targetPort": 8080}]}
    return {"apiVersion": "v1", "kind": "Service", "metadata": _metadata(namespace, name), "spec": wanted}


def _route(namespace: str, gateway: Gateway, weights: dict[str, int]) -> dict[str, Any]:
    """What begins with the namespace's name, to these services."""
    backends = [{"name": name, "port": 80, "weight": weight} for name, weight in weights.items()]
    rule = {"matches": [{"path": {"value": f"/{namespace}"}}], "backendRefs": backends}
    wanted = {"parentRefs": [{"name": gateway.name, "namespace": gateway.namespace}], "rules": [rule]}
    kind = {"apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute"}
    return {**kind, "metadata": _metadata(namespace, "api"), "spec": wanted}
