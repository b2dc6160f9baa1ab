"""What a server says where it does not do what it is asked, and what is said where it does not answer. Pure."""

import re
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING

from infra.contract import Json
from smoke.foreign import shortened

if TYPE_CHECKING:
    import httpx2

_MANAGED_BY = re.compile(r'conflict with "([^"]*)"')


@dataclass(frozen=True, slots=True)
class Owner:
    """Who owns a field that somebody else wants to set."""

    manager: str
    field: str
    """Its path: ``.spec.rules``."""


class Unreached(Exception):
    """Nobody answers for the cluster or the service, or not now; the text says why."""

    def __init__(self, text: str, *, after: float | None = None, passing: bool = True) -> None:
        super().__init__(text)
        self.after = after
        """Seconds that the server asks to be left alone; None: it does not say."""
        self.passing = passing
        """Whether asking again may help; False where the kubeconfig does not lead to a cluster."""


class Refused(Exception):
    """The server answers, with a refusal; the text is its message."""

    def __init__(self, text: str, status: int, reason: str = "", owners: tuple[Owner, ...] = ()) -> None:
        super().__init__(text)
        self.status = status
        """As of HTTP: 403 has no right, 404 no such object, 409 see ``owners``, 422 makes no sense to it."""
        self.reason = reason
        """The server's word for it: ``NotFound``; ``NoKind`` where it is the kind itself that the cluster does not have."""
        self.owners = owners
        """Of a status 409, who owns what is to be applied; none: the object is another by now than the one that was read."""


def refusal(answer: "httpx2.Response", kind: str) -> Refused | Unreached:
    """What to raise for an answer that is no success; ``kind`` is what was asked for, in words."""
    known = refused(answer)
    said = shortened(str(known.get("message") or answer.text or answer.reason_phrase))
    code = answer.status_code
    if code == HTTPStatus.TOO_MANY_REQUESTS or not HTTPStatus.BAD_REQUEST <= code < HTTPStatus.INTERNAL_SERVER_ERROR:
        return Unreached(f"{host(answer)} answers with status {code}: {said}", after=_after(answer))
    details = known.get("details")
    details = details if isinstance(details, dict) else {}
    if code == HTTPStatus.NOT_FOUND and not details.get("name"):
        return Refused(f"the cluster has no kind {kind}", code, "NoKind")
    return Refused(said, code, str(known.get("reason", "")), tuple(_owners(details)))


def refused(answer: "httpx2.Response") -> Json:
    """The server's document of a refusal; empty where somebody else answers for it."""
    try:
        found = answer.json()
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) and found.get("kind") == "Status" else {}


def _owners(details: Json) -> list[Owner]:
    causes = [each for each in details.get("causes") or () if isinstance(each, dict)]
    mine = [each for each in causes if each.get("reason") == "FieldManagerConflict"]
    found = [(_MANAGED_BY.match(str(each.get("message"))), str(each.get("field"))) for each in mine]
    return [Owner(match[1] if match else "somebody", field) for match, field in found]


def _after(answer: "httpx2.Response") -> float | None:
    said = answer.headers.get("retry-after", "")
    return float(said) if re.fullmatch(r"\d{1,6}", said) else None


def host(answer: "httpx2.Response") -> str:
    """Who answered, without names and passwords."""
    return str(answer.url.copy_with(path="/", query=None, userinfo=b"")).rstrip("/")
