"""The one dynamic provider: it hands a thing's spec to the thing. Kept tiny, because Pulumi stores it with every resource."""

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

import pulumi
from pulumi.dynamic import CreateResult, DiffResult, Resource, ResourceProvider, UpdateResult

from infra.targets.local.home import Home
from infra.targets.local.supervision import SupervisionError
from infra.targets.local.things import THINGS, Thing, ThingError

_OURS = "__"
"""Keys of Pulumi's own begin with it."""
_LATER = "born"
"""What is known only once a thing is made."""


@contextmanager
def _told() -> Iterator[None]:
    """Pulumi prints the traceback of whatever fails: where we know what to say, that alone."""
    try:
        yield
    except (ThingError, SupervisionError, OSError) as error:
        sys.tracebacklimit = 0
        raise ThingError(str(error)) from None
    except Exception:
        sys.tracebacklimit = 1000
        raise


class Provider(ResourceProvider):
    """Makes, unmakes and looks at things of one kind."""

    serialize_as_secret_always = False
    THINGS: ClassVar[Mapping[str, Thing]] = THINGS

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.kind = kind

    def create(self, props: dict[str, Any]) -> CreateResult:
        """Have the thing."""
        return CreateResult(f"{self.kind} {props['id']}", self._made(props))

    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> UpdateResult:
        """Have the thing as it is now wanted, or again."""
        return UpdateResult(self._made(_news))

    def delete(self, _id: str, _props: dict[str, Any]) -> None:
        """Have the thing no more."""
        spec = spec_of(_props)
        with _told():
            self.THINGS[self.kind].unmake(_home(spec), spec)

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> DiffResult:
        """Compare what is wanted with what was, and with what is there: what has died is a difference."""
        thing, old, new = self.THINGS[self.kind], spec_of(_olds), spec_of(_news)
        with _told():
            return DiffResult(changes=(not thing.KEPT and old != new) or not thing.well(_home(new), new))

    def _made(self, props: dict[str, Any]) -> dict[str, Any]:
        spec = spec_of(props)
        with _told():
            return {**props, **self.THINGS[self.kind].make(_home(spec), spec)}


class ThingResource(Resource, module="crossfade", name="Thing"):
    """A thing as Pulumi knows it."""

    born: pulumi.Output[str]

    def __init__(self, by: Provider, name: str, spec: Mapping[str, Any], opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(by, name, {_LATER: None, **{key: each for key, each in spec.items() if each is not None}}, opts)


def spec_of(properties: Mapping[str, Any]) -> Mapping[str, Any]:
    """The spec in what Pulumi hands over: without keys of its own, and without what the thing itself has said."""
    return {key: plain(each) for key, each in properties.items() if key != _LATER and not key.startswith(_OURS)}


def plain(value: Any) -> Any:  # noqa: ANN401 - whatever Pulumi keeps
    """Values as they were given: on their way whole numbers lose their kind."""
    if isinstance(value, Mapping):
        return {key: plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _home(spec: Mapping[str, Any]) -> Home:
    return Home(Path(spec["home"]))
