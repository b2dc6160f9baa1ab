"""The cluster, asked before anything is declared: what is there, and what may be done. Changes nothing.

The library lightkube opens the door, by the kubeconfig that Pulumi's provider takes too: of ``KUBECONFIG``, else of the home
folder, else of the pod that this is. What comes through it is the API server's own JSON.
"""

import os
import re
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import quote

if TYPE_CHECKING:
    import httpx2
    from lightkube.config.kubeconfig import SingleConfig

_LIMIT = 10.0
"""Seconds that the server may take for an answer."""
_MANY = 500
"""Things in one answer to a list."""


class ContextError(Exception):
    """The kubeconfig leads to no cluster; the text says why."""


class AwayError(Exception):
    """Nobody answers for the cluster; the text says what is known."""


class RefusedError(Exception):
    """The API server says no; the text is its message."""

    def __init__(self, text: str, status: int) -> None:
        super().__init__(text)
        self.status = status


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of thing that lives in a namespace."""

    group: str
    """Empty for the oldest ones."""
    version: str
    plural: str

    @property
    def path(self) -> str:
        """Where it is in the API."""
        return f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"

    @property
    def text(self) -> str:
        """As `kubectl` calls it."""
        return f"{self.plural}.{self.group}" if self.group else self.plural


DEPLOYMENTS = Kind("apps", "v1", "deployments")
SERVICES = Kind("", "v1", "services")
CONFIGS = Kind("", "v1", "configmaps")
BUDGETS = Kind("policy", "v1", "poddisruptionbudgets")
SCALERS = Kind("autoscaling", "v2", "horizontalpodautoscalers")
ROUTES = Kind("gateway.networking.k8s.io", "v1", "httproutes")
GATEWAYS = Kind("gateway.networking.k8s.io", "v1", "gateways")


class Cluster:
    """One cluster. Every call raises ``ContextError``, ``AwayError`` or ``RefusedError``, and nothing else."""

    def __init__(self, context: str | None) -> None:
        """``context`` is one of the kubeconfig; None: the current one. Nothing is opened before the first call."""
        self._context = context
        self._held = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._held.close()

    def get(self, kind: Kind, namespace: str, name: str) -> Mapping[str, Any] | None:
        """The thing of that name, or None: there is none, or not even the kind."""
        try:
            return self._ask("GET", f"{kind.path}/namespaces/{quote(namespace)}/{kind.plural}/{quote(name)}")
        except RefusedError as error:
            if error.status == HTTPStatus.NOT_FOUND:
                return None
            raise

    def list(self, kind: Kind, namespace: str) -> Sequence[Mapping[str, Any]]:
        """Everything of a kind in a namespace; refused with 404 where the cluster does not know the kind."""
        found: list[Mapping[str, Any]] = []
        more = ""
        while True:
            query = {"limit": str(_MANY), **({"continue": more} if more else {})}
            answer = self._ask("GET", f"{kind.path}/namespaces/{quote(namespace)}/{kind.plural}", query)
            found += answer.get("items") or []
            more = (answer.get("metadata") or {}).get("continue") or ""
            if not more:
                return found

    def namespace(self, name: str) -> bool:
        """Whether there is one of that name."""
        try:
            self._ask("GET", f"/api/v1/namespaces/{quote(name)}")
        except RefusedError as error:
            # Who may not look at namespaces may well work in one.
            return error.status != HTTPStatus.NOT_FOUND
        return True

    def version(self) -> tuple[int, int]:
        """Of the API server, as ``(1, 35)``; zeros where it does not say."""
        known = self._ask("GET", "/version")
        numbers = [re.match(r"\d*", str(known.get(part, "")))[0] for part in ("major", "minor")]  # type: ignore[index]
        return int(numbers[0] or 0), int(numbers[1] or 0)

    def may(self, verb: str, kind: Kind, namespace: str) -> bool:
        """Whether we may do that to things of this kind in a namespace."""
        about = {"namespace": namespace, "verb": verb, "group": kind.group, "resource": kind.plural}
        review = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": about},
        }
        answer = self._ask("POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", document=review)
        return bool((answer.get("status") or {}).get("allowed"))

    def _ask(
        self, method: str, path: str, query: Mapping[str, str] | None = None, document: Mapping[str, Any] | None = None
    ) -> Mapping[str, Any]:
        import httpx2  # noqa: PLC0415 - it comes with lightkube, see there

        try:
            answer = self._door.request(method, path, params=query, json=document)
        except (httpx2.HTTPError, httpx2.InvalidURL, OSError, ValueError, LookupError, RuntimeError) as error:
            raise AwayError(str(error) or type(error).__name__) from error
        try:
            found = answer.json()
        except (ValueError, RecursionError):
            found = None
        if answer.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR or not isinstance(found, dict):
            raise AwayError(f"{answer.url.host} answers with status {answer.status_code}, and what is no API server's")
        if not answer.is_success:
            raise RefusedError(str(found.get("message") or answer.reason_phrase), answer.status_code)
        return found

    @cached_property
    def _door(self) -> "httpx2.Client":
        import httpx2  # noqa: PLC0415 - see below
        import yaml  # noqa: PLC0415 - see below
        from lightkube.config.client_adapter import Client, ConnectionParams  # noqa: PLC0415 - 0.3 s, for this target alone
        from lightkube.config.models import User  # noqa: PLC0415 - see above
        from lightkube.core.exceptions import ConfigError  # noqa: PLC0415 - see above

        try:
            config = _config(self._context)
            config = config._replace(user=config.user or User())
            return self._held.enter_context(Client(config, ConnectionParams(timeout=httpx2.Timeout(_LIMIT))))
        except (ConfigError, OSError, yaml.YAMLError, LookupError, TypeError, ValueError, AttributeError) as error:
            raise ContextError(str(error) or type(error).__name__) from error


def _config(context: str | None) -> "SingleConfig":
    """Cluster and user of that context, of the first file that has it."""
    from lightkube.config.kubeconfig import DEFAULT_KUBECONFIG, KubeConfig  # noqa: PLC0415 - see above
    from lightkube.core.exceptions import ConfigError  # noqa: PLC0415 - see above

    names = [name for name in os.environ.get("KUBECONFIG", "").split(os.pathsep) if name] or [DEFAULT_KUBECONFIG]
    files = [file for file in (Path(name).expanduser() for name in names) if file.is_file()]
    known = [KubeConfig.from_file(file) for file in files]
    if not known and context is None and "KUBERNETES_SERVICE_HOST" in os.environ:
        known = [KubeConfig.from_service_account()]
    if not known:
        raise ConfigError(f"there is no file {', '.join(names)}")
    wanted = context or next((each.current_context for each in known if each.current_context), None)
    found = next((each.get(wanted) for each in known if wanted in each.contexts), None)
    if found is None:
        there = sorted({name for each in known for name in each.contexts})
        raise ConfigError(f"there is no context {wanted or 'chosen'}; known are {', '.join(there) or 'none'}")
    return found
