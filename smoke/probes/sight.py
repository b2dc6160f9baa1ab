"""What one look at a placement saw, and the one rule that makes a reading of it: nobody is believed unshown."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from infra.contract import Json, Placement
from smoke.foreign import printable, shortened
from smoke.model import Answer, Reading


@dataclass(frozen=True, slots=True)
class Sight:
    """What a look saw; the fields of a ``Reading`` that a backend has to say."""

    answer: Answer
    detail: str
    version: str | None = None
    impostor: bool = False
    instance: str | None = None
    numbers: Mapping[str, float] = field(default_factory=dict)


class Concluded(Exception):
    """A look came to its end early: nothing that could still be looked at would change what was seen."""

    def __init__(self, sight: Sight) -> None:
        super().__init__(sight.detail)
        self.sight = sight


def failed(detail: str, version: str | None = None, *, impostor: bool = False) -> Concluded:
    """To raise: the placement is not well, or somebody else answers for it."""
    return Concluded(Sight(Answer.FAILED, detail, version, impostor))


def untold(detail: str) -> Concluded:
    """To raise: something is missing on our own side."""
    return Concluded(Sight(Answer.UNTOLD, detail))


@dataclass(frozen=True, slots=True)
class Question:
    """A probe: its name, and how it looks. Says how long a look took as the number ``seconds``."""

    name: str
    look: Callable[[Placement], Sight]
    """Raises Concluded, and nothing else, for what it sees."""

    def read(self, placement: Placement) -> Reading:
        """Look, and judge who was seen."""
        at = time.monotonic()
        try:
            sight = self.look(placement)
        except Concluded as concluded:
            sight = concluded.sight
        sight = identified(sight, placement)
        return Reading(
            service=placement.service,
            slot=placement.slot,
            probe=self.name,
            answer=sight.answer,
            detail=printable(sight.detail),
            at=at,
            version=None if sight.version is None else shortened(sight.version),
            impostor=sight.impostor,
            instance=sight.instance,
            numbers={"seconds": round(time.monotonic() - at, 6), **sight.numbers},
        )


def identified(sight: Sight, placement: Placement) -> Sight:
    """The sight, judged by the identity that was shown: another one fails as an impostor, and none is never well."""
    if sight.answer is Answer.UNTOLD or sight.version == placement.version:
        return sight
    if sight.version:
        detail = f"{shortened(sight.version)} answered, {placement.version} was asked ({sight.detail})"
        return replace(sight, answer=Answer.FAILED, detail=detail, impostor=True)
    if sight.answer is Answer.OK:
        return replace(sight, answer=Answer.FAILED, detail=f"did not show which version it is ({sight.detail})")
    return sight


def instance(pid: Json, started: Json) -> str | None:
    """The word that differs after a restart; None without both, because a word that changes its form would be a restart."""
    known = [shortened(str(each)) for each in (pid, started) if type(each) in {int, float, str}]
    return "@".join(known) if len(known) == 2 else None  # noqa: PLR2004 - both
