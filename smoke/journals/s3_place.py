"""Where a stack's journal is in a bucket: what its objects are called, what is asked of them, and what is said of refusals.

An object is written under a condition, always: that there is none of its name, or that it is the one that was read. So
nobody ever overwrites what he has not seen, and whatever is sent twice, since an answer was lost, is there once.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from infra.contract import Json
from smoke.aws import Service, patiently
from smoke.errors import JournalError
from smoke.journals.cluster_place import PATIENCE
from smoke.refusal import Refused, Unreached
from smoke.seams import Clock

ACTIONS: Mapping[str, str] = {
    "get_object": "s3:GetObject",
    "list_objects_v2": "s3:ListBucket",
    "put_object": "s3:PutObject",
}
"""What is asked of a bucket, and who may ask it in the words of a policy."""
_AT_ONCE = 8
"""Objects that are fetched at the same time."""


@dataclass(frozen=True, slots=True)
class Where:
    """A part of a bucket."""

    bucket: str
    prefix: str
    stack: str

    @property
    def root(self) -> str:
        """What all names begin with."""
        return "/".join(word for word in (self.prefix.strip("/"), self.stack) if word)

    def key(self, *words: str) -> str:
        """The name of an object; with an empty last word that of a folder."""
        return "/".join([self.root, *words])

    def arn(self, region: str | None) -> str:
        """The bucket in the words of a policy."""
        area = region or ""
        partition = "aws-cn" if area.startswith("cn-") else "aws-us-gov" if area.startswith("us-gov-") else "aws"
        return f"arn:{partition}:s3:::{self.bucket}"


class Place:
    """A stack's objects in one bucket. What was read once is kept: nobody changes it but by hand, and then its tag is another."""

    def __init__(self, service: Service, where: Where, clock: Clock) -> None:
        self.clock = clock
        self.name = where
        self._service = service
        self._texts: dict[str, tuple[str, str]] = {}
        """By name, tag and contents."""

    def put(self, key: str, text: str, edition: str = "", limit: float = PATIENCE) -> str | None:
        """Write an object on condition that it has that edition still, or is not there; returns its edition.

        None: the condition does not hold, maybe by an earlier try whose answer was lost.
        """
        condition = {"IfMatch": edition} if edition else {"IfNoneMatch": "*"}
        words = {"Key": key, "Body": text.encode(), "ContentType": "application/json", **condition}
        try:
            return str(self._ask("put_object", limit, **words)["ETag"])
        except Refused as error:
            if error.status == HTTPStatus.PRECONDITION_FAILED or (edition and error.reason == "NoSuchKey"):
                return None
            raise

    def get(self, key: str, limit: float = PATIENCE) -> tuple[str, str] | None:
        """Edition and contents of an object; None where there is none. Bytes that are no text are seen as question marks."""
        try:
            answer = self._ask("get_object", limit, Key=key)
        except Refused as error:
            if error.reason == "NoSuchKey":
                return None
            raise
        return str(answer["ETag"]), answer["Body"].decode(errors="replace")

    def listed(self, folder: str, limit: float = PATIENCE) -> list[tuple[str, str]]:
        """Name and edition of all objects in a folder, sorted; their names are without it."""
        pages = self._pages(limit, Prefix=folder)
        found = [(str(each["Key"]), str(each["ETag"])) for page in pages for each in page.get("Contents") or ()]
        return sorted((key.removeprefix(folder), edition) for key, edition in found if key != folder)

    def folders(self, folder: str, limit: float = PATIENCE) -> list[str]:
        """The names of the folders in a folder, sorted."""
        pages = self._pages(limit, Prefix=folder, Delimiter="/")
        found = [str(each["Prefix"]) for page in pages for each in page.get("CommonPrefixes") or ()]
        return sorted(each.removeprefix(folder).rstrip("/") for each in found)

    def texts(self, folder: str, found: Sequence[tuple[str, str]], limit: float) -> list[str]:
        """The contents of objects that were listed; of one that has gone since, nothing."""
        unknown = [name for name, edition in found if self._texts.get(f"{folder}{name}", ("",))[0] != edition]
        if unknown:
            self._fetch([f"{folder}{name}" for name in unknown], limit)
        return [self._texts[f"{folder}{name}"][1] for name, _ in found]

    def _fetch(self, keys: Sequence[str], limit: float) -> None:
        from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415 - `status` of other stacks needs none

        pool = ThreadPoolExecutor(_AT_ONCE)
        try:
            for key, got in zip(keys, pool.map(lambda key: self.get(key, limit), keys), strict=True):
                self._texts[key] = got or ("", "")
        finally:
            pool.shutdown(cancel_futures=True)  # where one is refused the others are not asked for

    def _pages(self, limit: float, **words: str) -> Iterator[Json]:
        more: Json = {}
        while True:
            page = self._ask("list_objects_v2", limit, **words, **more)
            yield page
            if not page.get("IsTruncated"):
                return
            more = {"ContinuationToken": page["NextContinuationToken"]}

    def _ask(self, operation: str, limit: float, **words: Any) -> Json:  # noqa: ANN401 - see Service
        try:
            return patiently(lambda: self._service.ask(operation, Bucket=self.name.bucket, **words), self.clock, limit)
        except Refused as error:
            if error.status == HTTPStatus.FORBIDDEN:
                raise Refused(f"{ACTIONS[operation]} is not allowed: {error}", error.status, error.reason) from error
            raise

    # What is said

    @contextmanager
    def told(self, what: str, key: str) -> Iterator[None]:
        """Whatever the service says becomes the journal's own error."""
        where = self.where(key)
        try:
            yield
        except Unreached as error:
            hint = f"{self.command('ls', self.where(''))}   # it must answer"
            raise JournalError(what, where, f"the bucket cannot be asked: {error}", hint) from error
        except Refused as error:
            raise JournalError(what, where, str(error), self._hint(error)) from error
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            raise JournalError(what, where, f"the service answers what is no bucket's: {error!r}") from error

    def _hint(self, error: Refused) -> str:
        if error.status == HTTPStatus.UNAUTHORIZED:
            return "sign in, or set credentials where boto3 looks; then: aws sts get-caller-identity   # it must answer"
        if error.status == HTTPStatus.FORBIDDEN:
            arn = self.name.arn(self._service.reach.region)
            return f"a policy that allows s3:GetObject and s3:PutObject on {arn}/{self.name.key('*')}, and s3:ListBucket on {arn}"
        if error.reason == "NoSuchBucket":
            return f"{self.command('mb', f's3://{self.name.bucket}')}   # or name another bucket in the settings"
        return self.command("ls", self.where(""))

    def where(self, key: str) -> str:
        """An object, for people; a folder for the empty name."""
        return f"s3://{self.name.bucket}/{key or self.name.key('')}"

    def command(self, *words: str) -> str:
        """A command for people."""
        reach = self._service.reach
        named = {"--region": reach.region, "--endpoint-url": reach.endpoint}
        return " ".join(["aws", "s3", *words, *(f"{option} {value}" for option, value in named.items() if value)])


def policy(settings: Mapping[str, Json]) -> Mapping[str, Any]:
    """The least that whoever drives, looks or asks must be allowed, as a policy document for these settings. Pure.

    Where the bucket encrypts with a key of somebody's own, the use of that key comes on top.
    """
    where = Where(settings["bucket"], settings["prefix"], settings["stack"])
    arn = where.arn(settings.get("region"))
    objects = sorted(action for action in ACTIONS.values() if action != ACTIONS["list_objects_v2"])
    return {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Action": objects, "Resource": f"{arn}/{where.key('*')}"},
            {
                "Effect": "Allow",
                "Action": [ACTIONS["list_objects_v2"]],
                "Resource": arn,
                "Condition": {"StringLike": {"s3:prefix": where.key("*")}},
            },
        ],
    }
