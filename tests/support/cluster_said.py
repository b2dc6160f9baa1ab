"""A cluster's API that says what a test has put there: enough of its protocol to be looked at, scaled, and raced for.

Where something is to come of what is declared, ``act`` does what the controllers and a kubelet would, one thing at a time.
"""

import json
import os
import socketserver
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import yaml

NAMESPACE, STACK, SERVICE = "shop", "staging", "agent"
VERSION = "py312-0123456789ab"
Document = dict[str, Any]
_KINDS = {
    "deployments": "Deployment",
    "replicasets": "ReplicaSet",
    "pods": "Pod",
    "events": "Event",
    "horizontalpodautoscalers": "",
}
SCALERS = "horizontalpodautoscalers"


def labels(slot: str, service: str = SERVICE, version: str | None = VERSION) -> dict[str, str]:
    """What everything of a slot has."""
    known = {"crossfade/stack": STACK, "crossfade/service": service, "crossfade/slot": slot}
    return known if version is None else {**known, "app.kubernetes.io/version": version}


def deployment(slot: str, replicas: int = 1, service: str = SERVICE, version: str | None = VERSION) -> Document:
    """As it is declared; nobody has acted on it."""
    own = labels(slot, service, version)
    container = {
        "name": "app",
        "image": f"registry.local/{service}@sha256:0",
        "resources": {"limits": {"memory": "64Mi"}},
        "ports": [{"name": "http", "containerPort": 8080}],
        "readinessProbe": {"httpGet": {"path": "/health/", "port": "http"}},
    }
    return {
        "metadata": {"name": f"{service}-{slot}", "labels": own, "generation": 1},
        "spec": {
            "replicas": replicas,
            "progressDeadlineSeconds": 600,
            "selector": {"matchLabels": labels(slot, service, None)},
            "strategy": {"type": "Recreate"},
            "template": {"metadata": {"labels": own}, "spec": {"containers": [container]}},
        },
        "status": {},
    }


def scaler(slot: str, least: int, most: int, service: str = SERVICE) -> Document:
    """An autoscaler of a slot."""
    metadata = {"name": f"{service}-{slot}", "labels": labels(slot, service, None)}
    return {"metadata": metadata, "spec": {"minReplicas": least, "maxReplicas": most}}


class Cluster:
    """The objects of one namespace, and doors to them. Every change gives an object another edition."""

    def __init__(self) -> None:
        self.objects: dict[str, dict[str, Document]] = {plural: {} for plural in _KINDS}
        self.logs: dict[str, str] = {}
        """By pod."""
        self.shows: dict[str, str | None] = {}
        """Version in the answers of a pod, by its name; None: it shows none. Of others nobody knows the way."""
        self.asked: list[str] = []
        """What pods were asked for: path, from their name on."""
        self.owners: dict[str, str] = {}
        """Who owns the replicas, by Deployment."""
        self.refuses: dict[str, int] = {}
        """Status by ``verb plural``, as ``GET pods``: what is refused."""
        self.most = 0
        """Pods of the service that were there at once, at most."""
        self._editions = 0
        self._lock = threading.RLock()

    def put(self, plural: str, document: Document) -> Document:
        """Have that object, or that change of it."""
        with self._lock:
            self._editions += 1
            metadata = document["metadata"]
            metadata.setdefault("uid", f"uid-{self._editions}")
            metadata["resourceVersion"] = str(self._editions)
            self.objects[plural][metadata["name"]] = document
            self.most = max(self.most, len(self.objects["pods"]))
            return document

    def scale(self, name: str, replicas: int, manager: str = "kubectl") -> None:
        """Scale as somebody else does."""
        with self._lock:
            found = self.objects["deployments"][name]
            found["spec"]["replicas"] = replicas
            found["metadata"]["generation"] += 1
            self.owners[name] = manager
            self.put("deployments", found)

    # What the controllers do, each by itself and never at once

    def act(self, who: str = "all") -> None:
        """One of them.

        ``declare`` is that of Deployments, ``replicate`` of replica sets, ``size`` of autoscalers (up alone); ``begin`` and
        ``end`` are a kubelet.
        """
        with self._lock:
            if who == "all":
                for each in ("size", "declare", "replicate", "begin", "end", "replicate", "declare"):
                    self.act(each)
            elif who == "size":
                for each in list(self.objects[SCALERS].values()):
                    self._size(each)
            elif who == "declare":
                for each in list(self.objects["deployments"].values()):
                    self._declare(each)
            elif who == "replicate":
                for each in list(self.objects["replicasets"].values()):
                    self._replicate(each)
            else:
                for pod in list(self.objects["pods"].values()):
                    self._live(pod, who)

    def _size(self, each: Document) -> None:
        name, least = each["metadata"]["name"], each["spec"]["minReplicas"]
        if self.objects["deployments"][name]["spec"]["replicas"] < least:
            self.scale(name, least, "kube-controller-manager")

    def _declare(self, each: Document) -> None:
        metadata, wanted = each["metadata"], each["spec"]["replicas"]
        name = f"{metadata['name']}-1"
        if (found := self.objects["replicasets"].get(name)) is None:
            own = {"name": name, "labels": metadata["labels"], "generation": 1}
            spec = {"replicas": wanted, "template": each["spec"]["template"]}
            found = {"metadata": own, "spec": spec, "status": {"observedGeneration": 0, "replicas": 0}}
            self.put("replicasets", found)
        elif found["spec"]["replicas"] != wanted:
            found["spec"]["replicas"] = wanted
            found["metadata"]["generation"] += 1
            self.put("replicasets", found)
        ready = sum(is_ready(pod) for pod in self._pods_of(each))
        counts = {"replicas": found["status"]["replicas"], "updatedReplicas": found["status"]["replicas"], "readyReplicas": ready}
        came = [{"type": "Progressing", "status": "True", "reason": "NewReplicaSetAvailable"}] if ready >= wanted else []
        conditions = each["status"].get("conditions") or came
        self._say("deployments", each, {"observedGeneration": metadata["generation"], **counts, "conditions": conditions})

    def _replicate(self, each: Document) -> None:
        pods = self._pods_of(each)
        for number in range(each["spec"]["replicas"] - len(pods)):
            own = {"name": f"{each['metadata']['name']}-{self._editions}{number}", "labels": each["metadata"]["labels"]}
            spec = {**each["spec"]["template"]["spec"], "nodeName": "node-1"}
            self.put("pods", {"metadata": own, "spec": spec, "status": {"phase": "Pending"}})
        for pod in pods[each["spec"]["replicas"] :]:
            pod["metadata"]["deletionTimestamp"] = "2026-11-30T15:43:26Z"
            self.put("pods", pod)
        counts = {"observedGeneration": each["metadata"]["generation"], "replicas": len(self._pods_of(each))}
        self._say("replicasets", each, counts)

    def _say(self, plural: str, each: Document, status: Document) -> None:
        if each["status"] != status:
            self.put(plural, {**each, "status": status})

    def _pods_of(self, each: Document) -> list[Document]:
        slot = each["metadata"]["labels"]["crossfade/slot"]
        pods = [pod for pod in self.objects["pods"].values() if pod["metadata"]["labels"]["crossfade/slot"] == slot]
        return [pod for pod in pods if "deletionTimestamp" not in pod["metadata"]]

    def _live(self, pod: Document, who: str) -> None:
        leaves = "deletionTimestamp" in pod["metadata"]
        if leaves and who == "end":
            del self.objects["pods"][pod["metadata"]["name"]]
        elif not leaves and who == "begin" and not is_ready(pod):
            pod["status"] = {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}
            self.put("pods", pod)

    @contextmanager
    def acting(self) -> Iterator[None]:
        """All of them act by themselves within the context."""
        over = threading.Event()

        def keep() -> None:
            while not over.wait(0.01):
                self.act()

        thread = threading.Thread(target=keep, daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()

    # What is asked

    @contextmanager
    def door(self, before: Callable[[], bool] = lambda: True) -> Iterator[str]:
        """An address of the API within the context; whoever asks there is answered while ``before`` says so."""
        with _Server(self, before) as server:
            thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
            thread.start()
            yield f"http://127.0.0.1:{server.server_address[1]}"
            server.shutdown()
            thread.join()

    def header(self, url: str) -> Mapping[str, str]:
        """What a pod's answer has beside its body."""
        pod, handed, _ = _asked(url).partition("/proxy/")
        version = self.shows.get(pod.partition(":")[0]) if handed else None
        return {} if version is None else {"x-crossfade-version": version}

    def answer(self, verb: str, url: str, body: bytes) -> tuple[int, str]:
        """Status and body for what was asked."""
        query = dict(parse_qsl(urlsplit(url).query))
        plural, *rest = _asked(url, whole=True).split("/")
        with self._lock:
            if "proxy" in rest:
                return self._proxied(verb, rest[0], _asked(url))
            if status := self.refuses.get(f"{verb} {plural}"):
                word = {"GET": "list", "PATCH": "patch"}[verb]
                return _status(status, "Forbidden", f'{plural} is forbidden: User "dev" cannot {word} resource "{plural}"')
            if not rest:
                return 200, json.dumps({"items": [each for each in self.objects[plural].values() if _chosen(each, query)]})
            if rest[1:] == ["log"]:
                log = self.logs.get(rest[0])
                return (200, log) if log is not None else _status(400, "BadRequest", "there is no such container")
            return self._written(plural, rest[0], query, json.loads(body))

    def _proxied(self, verb: str, pod: str, asked: str) -> tuple[int, str]:
        if status := self.refuses.get(f"{verb} pods/proxy"):
            return _status(status, "Forbidden", 'pods is forbidden: User "dev" cannot get resource "pods/proxy"')
        if pod.partition(":")[0] not in self.shows:
            return _status(503, "ServiceUnavailable", "error trying to reach service: connection refused")
        self.asked.append(asked)
        return 200, "{}"

    def _written(self, plural: str, name: str, query: Mapping[str, str], change: Document) -> tuple[int, str]:
        found = self.objects[plural].get(name)
        if found is None:
            return _status(404, "NotFound", f'{plural} "{name}" not found', {"name": name})
        if (
            change["metadata"].get("resourceVersion", found["metadata"]["resourceVersion"])
            != found["metadata"]["resourceVersion"]
        ):
            return _status(409, "Conflict", "the object has been modified; please apply your changes to the latest version")
        if plural == SCALERS:
            return 200, json.dumps(self.put(plural, _merged(found, change)))
        owner, wanted = self.owners.get(name, query["fieldManager"]), change["spec"]["replicas"]
        if owner != query["fieldManager"] and wanted != found["spec"]["replicas"] and query["force"] != "true":
            message = f'conflict with "{owner}" with subresource "scale" using apps/v1'
            cause = {"reason": "FieldManagerConflict", "message": message, "field": ".spec.replicas"}
            return _status(409, "Conflict", "Apply failed with 1 conflict", {"name": name, "causes": [cause]})
        found["metadata"].setdefault("annotations", {}).update(change["metadata"].get("annotations", {}))
        if wanted != found["spec"]["replicas"]:
            self.scale(name, wanted, query["fieldManager"])
        return 200, json.dumps(self.put(plural, found))


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, cluster: Cluster, before: Callable[[], bool]) -> None:
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True  # or each answer, which is sent in two pieces, takes 40 ms

            def do_GET(self) -> None:
                self._answer()

            def do_PATCH(self) -> None:
                self._answer()

            def _answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                if not before():
                    self.close_connection = True
                    return
                status, text = cluster.answer(self.command, self.path, body)
                self.send_response(status)
                self.send_header("content-type", "application/json")
                for name, value in cluster.header(self.path).items() if status == HTTPStatus.OK else ():
                    self.send_header(name, value)
                self.send_header("content-length", str(len(text.encode())))
                self.end_headers()
                self.wfile.write(text.encode())

            def log_message(self, *_: object) -> None:
                pass

        super().__init__(("127.0.0.1", 0), Handler)


@contextmanager
def kubeconfig(**addresses: str) -> Iterator[Path]:
    """A kubeconfig with a context for each of these addresses, the first the current one; it is the one in force meanwhile."""
    cluster = [{"name": name, "cluster": {"server": each}} for name, each in addresses.items()]
    contexts = [{"name": name, "context": {"cluster": name, "user": "dev"}} for name in addresses]
    users = [{"name": "dev", "user": {"token": "t"}}]
    document = {"current-context": next(iter(addresses)), "clusters": cluster, "contexts": contexts, "users": users}
    before = os.environ.get("KUBECONFIG")
    with tempfile.TemporaryDirectory(prefix="kubeconfig-") as folder:
        file = Path(folder) / "config"
        file.write_text(yaml.safe_dump({"apiVersion": "v1", "kind": "Config", **document}))
        os.environ["KUBECONFIG"] = str(file)
        try:
            yield file
        finally:
            os.environ.pop("KUBECONFIG") if before is None else os.environ.update(KUBECONFIG=before)


def is_ready(pod: Document) -> bool:
    """Whether a pod that nobody deleted says so."""
    return any(each["type"] == "Ready" and each["status"] == "True" for each in pod["status"].get("conditions", ()))


def _merged(found: Document, change: Document) -> Document:
    """RFC 7386: what is null is taken away."""
    merged = dict(found)
    for key, value in change.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = _merged(merged.get(key) or {}, value) if isinstance(value, dict) else value
    return merged


def _asked(url: str, *, whole: bool = False) -> str:
    """What comes after the namespace; of a pod from its name on."""
    path = unquote(urlsplit(url).path).partition(f"/namespaces/{NAMESPACE}/")[2]
    return path if whole else path.partition("/")[2]


def _chosen(each: Document, query: Mapping[str, str]) -> bool:
    chosen = [pair.split("=") for pair in query.get("labelSelector", "").split(",") if pair]
    fields = [pair.split("=") for pair in query.get("fieldSelector", "").split(",") if pair]
    own, of = each["metadata"].get("labels", {}), each.get("involvedObject", {})
    fits = all(own.get(key) == value for key, value in chosen)
    return fits and all(of.get(key.split(".")[1]) == value for key, value in fields)


def _status(code: int, reason: str, message: str, details: Document | None = None) -> tuple[int, str]:
    document = {"kind": "Status", "code": code, "reason": reason, "message": message, "details": details or {"name": "x"}}
    return code, json.dumps(document)
