"""A cluster's API: the one way to it, for whoever moves its traffic, looks at its pods or hands work over.

The library lightkube opens the door: kubeconfig, credentials, certificates. What goes through it is the API server's own JSON,
as plain dictionaries, so that whoever sends back what it has read sends back all of it.
"""

import json
import threading
import weakref
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from infra.contract import Json
from smoke.foreign import shortened
from smoke.kubeconfig import NoWay, opened, troubles
from smoke.refusal import Refused, Unreached, host, refusal, refused

if TYPE_CHECKING:
    import httpx2

MANAGER = "crossfade"
"""The field manager under which fields of an object are ours."""


@dataclass(frozen=True, slots=True)
class Reach:
    """Which cluster, and where in it."""

    context: str | None
    """Of the kubeconfig. None: the current one, or where there is no kubeconfig the service account of the pod that this is."""
    namespace: str


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of object that lives in a namespace."""

    api: str
    """Group and version, as an object says them itself: ``apps/v1``, or ``v1`` alone."""
    name: str
    plural: str
    """As it is in the API's paths."""


ROUTE = Kind("gateway.networking.k8s.io/v1", "HTTPRoute", "httproutes")
DEPLOYMENT = Kind("apps/v1", "Deployment", "deployments")
REPLICA_SET = Kind("apps/v1", "ReplicaSet", "replicasets")
SCALER = Kind("autoscaling/v2", "HorizontalPodAutoscaler", "horizontalpodautoscalers")
POD = Kind("v1", "Pod", "pods")
EVENT = Kind("v1", "Event", "events")
CONFIG_MAP = Kind("v1", "ConfigMap", "configmaps")
JOB = Kind("batch/v1", "Job", "jobs")
LEASE = Kind("coordination.k8s.io/v1", "Lease", "leases")

STACK_LABEL, SERVICE_LABEL, SLOT_LABEL = "crossfade/stack", "crossfade/service", "crossfade/slot"
"""Labels of everything that was placed, by which it is found."""
VERSION_LABEL = "app.kubernetes.io/version"
"""Label of Deployments and pods that says what they were placed as."""
IMAGE_NOTE = "crossfade/image"
"""Annotation of Deployments that says with which image they were placed."""
_MOST = 64 * 1024
"""Bytes that no refusal has."""
_BARE = ";as=PartialObjectMetadata{};g=meta.k8s.io;v=v1"
"""Asks for objects without their contents."""


class Cluster:
    """One namespace of a cluster. Every call is one request, and may be made from any thread.

    All of them raise ``Refused`` and ``Unreached``, and nothing else.
    """

    def __init__(self, reach: Reach, timeout: float = 10.0) -> None:
        """Nothing is opened before the first call.

        Args:
            reach: where it is.
            timeout: seconds that the server may take to go on with an answer.
        """
        self.reach = reach
        self._timeout = timeout
        self._lock = threading.Lock()
        self._client: httpx2.Client | None = None
        self._closing: weakref.finalize[Any, Any] | None = None

    def get(self, kind: Kind, name: str) -> Json:
        """The object of that name."""
        return self._ask("GET", kind, name)

    def list(
        self,
        kind: Kind,
        labels: Mapping[str, str] | None = None,
        fields: Mapping[str, str] | None = None,
        *,
        bare: bool = False,
    ) -> list[Json]:
        """The objects whose labels and fields (``involvedObject.name``) are these; kind and API are not in them.

        ``bare``: of each only the metadata.
        """
        selectors = {"labelSelector": labels, "fieldSelector": fields}
        wanted = {name: ",".join(f"{key}={value}" for key, value in each.items()) for name, each in selectors.items() if each}
        return list(self._ask("GET", kind, params=wanted, accept=_BARE.format("List") if bare else "")["items"] or ())

    def create(self, kind: Kind, name: str, document: Mapping[str, Any]) -> Json:
        """Make an object that is not there; returns it. Status 409 where one of that name is."""
        return self._ask("POST", kind, params={"fieldManager": MANAGER}, document=self._whole(kind, name, document))

    def apply(self, kind: Kind, name: str, document: Mapping[str, Any], *, force: bool = False) -> Json:
        """Own these fields and set them, and give up those that were ours and are not in it; returns the object.

        Nothing is written where all is so already.

        Args:
            kind: of the object.
            name: of the object.
            document: the fields; API, kind, name and namespace are added. With ``metadata.resourceVersion`` as it was read it is
                a condition that nobody changed the object since, and with ``metadata.uid`` that it is there still: without
                that one it is created where it is not.
            force: take over fields that others own.
        """
        query = {"fieldManager": MANAGER, "force": "true" if force else "false"}
        return self._ask("PATCH", kind, name, params=query, document=document, form="application/apply-patch+yaml")

    def patch(self, kind: Kind, name: str, document: Mapping[str, Any], part: str = "", *, bare: bool = False) -> Json:
        """Merge these fields into the object, or into one ``part`` of it: ``scale``, ``status``; returns that.

        Lists are replaced as a whole. With ``metadata.resourceVersion`` it is a condition, as for ``apply``. ``bare``: of what
        it returns only the metadata.
        """
        query, form = {"fieldManager": MANAGER}, "application/merge-patch+json"
        accept = _BARE.format("") if bare else ""
        return self._ask("PATCH", kind, name, part, params=query, document=document, form=form, accept=accept)

    def log(self, pod: str, container: str, *, lines: int, previous: bool = False) -> str:
        """The last lines that a container wrote, or wrote before it was last started again."""
        query = {"container": container, "tailLines": str(lines), "previous": "true" if previous else "false"}
        return self._send("GET", POD, pod, "log", params=query).text

    def header(self, pod: str, port: int, path: str, name: str) -> str | None:
        """That header of what a pod answers to a GET, whatever its status; None: there is none. The API server hands it on.

        Args:
            pod: its name.
            port: the one that it listens on.
            path: as it is asked for, from its first slash on.
            name: of the header.

        Raises ``Unreached`` also where the server does not reach the pod.
        """
        url = f"{self._path(POD, f'{pod}:{port}', 'proxy')}{path}"
        with self._asking(), self._open().stream("GET", url) as answer:
            # Of a pod's own body nothing is wanted, however much there is of it.
            if name in answer.headers or int(answer.headers.get("content-length", _MOST)) >= _MOST:
                return answer.headers.get(name)
            answer.read()
        if not answer.is_success and refused(answer):
            raise self._refusal(answer, POD)
        return None

    # How it is asked

    def _ask(self, method: str, kind: Kind, name: str = "", part: str = "", **more: Any) -> Json:  # noqa: ANN401 - see _send
        answer = self._send(method, kind, name, part, **more)
        try:
            document = answer.json()
        except (ValueError, RecursionError):
            document = None
        many = method == "GET" and not name
        # No bare ones are null.
        if not isinstance(document, dict) or (many and not isinstance(document.get("items", ""), list | None)):
            raise Unreached(f"{host(answer)} answers what is no API server's: {shortened(answer.text)}")
        return document

    def _send(  # noqa: PLR0913 - what there is to a request
        self,
        method: str,
        kind: Kind,
        name: str,
        part: str,
        *,
        params: Mapping[str, str] | None = None,
        document: Mapping[str, Any] | None = None,
        form: str = "application/json",
        accept: str = "",
    ) -> "httpx2.Response":
        body = None if document is None else json.dumps(self._whole(kind, name, document) if "apply" in form else document)
        headers = {"content-type": form, "accept": f"application/json{accept}"}
        with self._asking():
            answer = self._open().request(method, self._path(kind, name, part), params=params, content=body, headers=headers)
        if not answer.is_success:
            raise self._refusal(answer, kind)
        return answer

    @contextmanager
    def _asking(self) -> Iterator[None]:
        try:
            yield
        except NoWay as error:
            raise Unreached(str(error), passing=False) from error
        except troubles() as error:
            said = shortened(str(error) or type(error).__name__)
            raise Unreached(f"the cluster{self._which} cannot be asked: {said}") from error

    def _refusal(self, answer: "httpx2.Response", kind: Kind) -> Refused | Unreached:
        if answer.status_code == HTTPStatus.UNAUTHORIZED:
            self._forget()  # credentials may be renewed in the kubeconfig
        return refusal(answer, f"{kind.name} of {kind.api}")

    def _path(self, kind: Kind, name: str, part: str) -> str:
        root = "apis" if "/" in kind.api else "api"
        words = [root, *kind.api.split("/"), "namespaces", self.reach.namespace, kind.plural, name, part]
        return "/" + "/".join(quote(word, safe="") for word in words if word)

    def _whole(self, kind: Kind, name: str, document: Mapping[str, Any]) -> Json:
        metadata = {**document.get("metadata", {}), "name": name, "namespace": self.reach.namespace}
        return {**document, "apiVersion": kind.api, "kind": kind.name, "metadata": metadata}

    @property
    def _which(self) -> str:
        return f" of context {self.reach.context}" if self.reach.context else ""

    # The door

    def _open(self) -> "httpx2.Client":
        with self._lock:
            if self._client is None:
                self._client = opened(self.reach.context, self._timeout)
                self._closing = weakref.finalize(self, self._client.close)
            return self._client

    def _forget(self) -> None:
        with self._lock:
            if self._closing is not None:
                self._closing()
            self._client = self._closing = None
