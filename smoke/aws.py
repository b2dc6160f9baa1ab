"""Amazon's services, and whatever answers as they do: the one way to them, for whoever keeps or moves something there.

The library boto3 opens the door: regions, addresses, credentials, signatures. It is loaded with the first request. Its own second
tries are off: whoever asks knows for how long.
"""

import threading
import weakref
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from importlib import import_module
from typing import Any, TypeVar

from infra.contract import Json
from smoke.foreign import shortened
from smoke.refusal import Refused, Unreached
from smoke.seams import Clock

T = TypeVar("T")
_PAUSE = 0.1
"""Seconds before the second try; twice as many before each that follows, up to ``_LONGEST``."""
_LONGEST = 2.0
NOT_SIGNED_IN = "NotSignedIn"
"""Reason of a refusal where there are no credentials at all."""
_CREDENTIALS = frozenset(
    {
        "AuthFailure",
        "ExpiredToken",
        "ExpiredTokenException",
        "IncompleteSignature",
        "InvalidAccessKeyId",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "InvalidToken",
        "MissingAuthenticationToken",
        "MissingAuthenticationTokenException",
        "RequestExpired",
        "SignatureDoesNotMatch",
        "TokenRefreshRequired",
        "UnrecognizedClientException",
    }
)
"""Codes that say that whoever asks is not known, or not any more."""
_DENIED = frozenset({"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"})
_PASSING = frozenset(
    {
        "BandwidthLimitExceeded",
        "ConditionalRequestConflict",
        "EC2ThrottledException",
        "OperationAborted",
        "PriorRequestNotComplete",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        "RequestTimeout",
        "RequestTimeoutException",
        "SlowDown",
        "ThrottledException",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
    }
)
"""Codes below 500 after which asking again helps, and ``SlowDown``."""


@dataclass(frozen=True, slots=True)
class Reach:
    """Where a service is."""

    region: str | None = None
    """None: the one that boto3 finds in environment and configuration."""
    endpoint: str | None = None
    """Address of another service that answers as Amazon's does. None: Amazon's own."""


def client(service: str, reach: Reach, timeout: float) -> Any:  # noqa: ANN401 - boto3 makes it, and has no types
    """What speaks to that service, with the credentials that boto3 finds; nothing is asked yet."""
    config = import_module("botocore.config").Config(
        connect_timeout=timeout,
        read_timeout=timeout,
        retries={"total_max_attempts": 1},
        # Services that answer as Amazon's do know neither newer checksums nor a name for each bucket.
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
        s3={"addressing_style": "path" if reach.endpoint else "auto"},
    )
    # A session of its own: the common one is not for threads, and would remember credentials that are no good any more.
    session = import_module("boto3.session").Session()
    return session.client(service, region_name=reach.region, endpoint_url=reach.endpoint, config=config)


class Service:
    """One service. Every call is one request, and may be made from any thread."""

    def __init__(self, name: str, reach: Reach, timeout: float = 10.0) -> None:
        """Nothing is opened before the first call.

        Args:
            name: as boto3 calls it: ``s3``, ``elbv2``.
            reach: where it is.
            timeout: seconds that it may take to go on with an answer.
        """
        self.reach = reach
        self._name = name
        self._timeout = timeout
        self._lock = threading.Lock()
        self._client: Any = None
        self._closing: weakref.finalize[Any, Any] | None = None

    def ask(self, operation: str, **words: Any) -> Json:  # noqa: ANN401 - what there is to that operation
        """What it answers to ``operation``, as boto3 calls it: ``put_object``; a body is read to its end.

        Raises:
            Refused: it answers with a refusal. Status 401: credentials are missing, expired or wrong; 403: they may not.
            Unreached: it does not answer, or not now.
        """
        try:
            with _asking():
                answer = dict(getattr(self._open(), operation)(**words))
                if "Body" in answer:
                    with closing(answer["Body"]) as body:
                        answer["Body"] = body.read()
                return answer
        except Refused as error:
            if error.status == HTTPStatus.UNAUTHORIZED:
                self._forget()  # they may be renewed where boto3 looks
            raise

    def opened(self) -> Any:  # noqa: ANN401 - boto3's own
        """A client for it, which is kept."""
        return client(self._name, self.reach, self._timeout)

    def _open(self) -> Any:  # noqa: ANN401 - dito
        with self._lock:
            if self._client is None:
                self._client = self.opened()
                self._closing = weakref.finalize(self, self._client.close)
            return self._client

    def _forget(self) -> None:
        with self._lock:
            if self._closing is not None:
                self._closing()
            self._client = self._closing = None


def patiently(act: Callable[[], T], clock: Clock, limit: float) -> T:
    """What comes of it, from a service that may be away for so many seconds.

    It may have been done where nobody said so, and be done again: what is not absolute must hold under a condition.

    Raises:
        Unreached: it stayed away.
        Refused: it answers with a refusal.
    """
    end, pause = clock.now() + limit, _PAUSE
    while True:
        try:
            return act()
        except Unreached as error:
            wait = max(pause, error.after or 0.0)
            if not error.passing or clock.now() + wait > end:
                raise
            clock.sleep(wait)
            pause = min(2 * pause, _LONGEST)


def ask(service: Service, prefix: str, operation: str, **words: Any) -> Json:  # noqa: ANN401 - see Service
    """As the service itself; where it is refused for want of a permission, that is named.

    Args:
        service: is asked.
        prefix: what its permissions begin with: ``elasticloadbalancing``.
        operation: as for ``Service.ask``.
        words: dito.
    """
    try:
        return service.ask(operation, **words)
    except Refused as error:
        if error.reason not in _DENIED:
            raise
        permission = f"{prefix}:{operation.title().replace('_', '')}"
        raise Refused(f"{permission} is not allowed: {error}", HTTPStatus.FORBIDDEN, error.reason) from error


def hint_of(error: Refused) -> str | None:
    """What a person can do about it, where that is the same for every service."""
    if error.status == HTTPStatus.UNAUTHORIZED:
        return "sign in, or set credentials where boto3 looks; then: aws sts get-caller-identity   # it must answer"
    if error.status == HTTPStatus.FORBIDDEN:
        return "a policy that allows it to whoever runs this"
    return None


# What is said where it does not do what it is asked


@contextmanager
def _asking() -> Iterator[None]:
    try:
        errors, parsers, _ = map(import_module, ("botocore.exceptions", "botocore.parsers", "boto3.session"))
    except ImportError as error:
        raise Unreached("it is asked by boto3, which is not here: uv sync --extra aws", passing=False) from error
    try:
        yield
    except errors.ClientError as error:
        raise refusal(error.response) from error
    except _strangers(errors) as error:
        raise Refused(_said(error), HTTPStatus.UNAUTHORIZED, NOT_SIGNED_IN) from error
    except (errors.ConnectionError, errors.HTTPClientError, errors.IncompleteReadError) as error:
        raise Unreached(_said(error)) from error
    except (parsers.ResponseParserError, OSError) as error:
        raise Unreached(_said(error)) from error
    except (errors.BotoCoreError, ValueError) as error:
        raise Unreached(_said(error), passing=False) from error  # of the configuration: asking again does not help


def _strangers(errors: Any) -> tuple[type[Exception], ...]:  # noqa: ANN401 - a module
    """What boto3 raises where it has no credentials."""
    names = ("NoCredentialsError", "PartialCredentialsError", "CredentialRetrievalError", "ProfileNotFound")
    login = ("LoginError", "NoAuthTokenError", "TokenRetrievalError", "SSOError", "RefreshWithMFAUnsupportedError")
    return tuple(getattr(errors, each) for each in (*names, *login) if hasattr(errors, each))


def refusal(answer: Mapping[str, Any]) -> Refused | Unreached:
    """What to raise for an answer that is no success, as botocore has read it. Pure."""
    error, metadata = answer.get("Error") or {}, answer.get("ResponseMetadata") or {}
    code, status = str(error.get("Code", "")), int(metadata.get("HTTPStatusCode") or HTTPStatus.BAD_REQUEST)
    said = shortened(f"{code}: {error.get('Message') or 'it does not say why'}")
    if code in _CREDENTIALS:
        return Refused(said, HTTPStatus.UNAUTHORIZED, code)
    busy = status == HTTPStatus.TOO_MANY_REQUESTS or status >= HTTPStatus.INTERNAL_SERVER_ERROR
    # What it has not implemented it will not implement soon.
    if code in _PASSING or (busy and status != HTTPStatus.NOT_IMPLEMENTED):
        after = str((metadata.get("HTTPHeaders") or {}).get("retry-after", ""))
        return Unreached(said, after=float(after) if after.isdecimal() and after.isascii() else None)
    return Refused(said, status, code)


def _said(error: Exception) -> str:
    return shortened(str(error) or type(error).__name__)
