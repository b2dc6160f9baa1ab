"""What can go wrong, as documents a person can act on.

CrossfadeError
├── GateClosed        1   a gate said no, nothing was changed
├── UsageError        2   the command line or the configuration is wrong
├── DeployError       4   Pulumi or a resource failed
├── Forbidden         5   a window, a freeze or a missing approval says no; nothing was changed
├── NoSuchStack       6   no such stack, or it was never brought up
├── TimedOut          9   a limit was reached; the state is known and printed
├── RollbackFailed   11   a person is needed now
├── Locked           13   another run holds the stack
│   └── Deposed           another driver took over while this one did not answer
└── SeamError         4   a backend could not do what it was asked
    ├── RouterError       weights could not be written or read
    ├── MeterError        counts could not be read
    ├── HandoverError     a singleton could not be held or released
    ├── CapacityError     instances could not be counted, or asked for
    └── JournalError      the journal cannot be written, or its middle is damaged
"""

from dataclasses import dataclass, fields
from enum import IntEnum


class Exit(IntEnum):
    """Exit codes of every command; ``crossfade explain CODE`` says the same offline."""

    WANTED = 0
    GATE = 1
    USAGE = 2
    AUTHENTICATION = 3
    DEPLOYMENT = 4
    POLICY = 5
    NO_STACK = 6
    PLAN_CHANGED = 7
    HELD = 8
    TIMED_OUT = 9
    ROLLED_BACK = 10
    ROLLBACK_FAILED = 11
    UNDECIDED = 12
    LOCKED = 13
    INTERNAL = 255


@dataclass
class CrossfadeError(Exception):
    """An error as a small document: what, where, why, what to run next, and what users see now."""

    what: str
    where: str | None = None
    """``file:key`` or ``stack · service · slot``."""
    cause: str | None = None
    hint: str | None = None
    """The command to run or the lines to paste."""
    state: str | None = None
    """What users see now. Set by whoever knows; a command fills it in where it is missing."""

    exit = Exit.INTERNAL

    def __str__(self) -> str:
        """The whole document, one line a part."""
        return "\n".join(self.lines())

    def lines(self) -> list[str]:
        """The document's lines: ``error:`` first, the others indented under it."""
        parts = [("where", self.where), ("cause", self.cause), ("hint", self.hint), ("state", self.state)]
        indented = [f"  {name + ':':<7}{text}".replace("\n", "\n         ") for name, text in parts if text]
        return [f"error: {self.what}", *indented]

    def document(self) -> dict[str, object]:
        """The same for machines, with its exit code."""
        return {"exit": int(self.exit), "error": {each.name: getattr(self, each.name) for each in fields(self)}}


class GateClosed(CrossfadeError):
    """A gate said no, and nothing was changed."""

    exit = Exit.GATE


class UsageError(CrossfadeError):
    """The command line or the configuration is wrong."""

    exit = Exit.USAGE


class DeployError(CrossfadeError):
    """Pulumi or one of its resources failed."""

    exit = Exit.DEPLOYMENT


class Forbidden(CrossfadeError):
    """A rule of the team's says no, and nothing was changed."""

    exit = Exit.POLICY


class NoSuchStack(CrossfadeError):
    """There is no such stack, or it was never brought up."""

    exit = Exit.NO_STACK


class TimedOut(CrossfadeError):
    """A limit was reached; the state is known and printed."""

    exit = Exit.TIMED_OUT


class RollbackFailed(CrossfadeError):
    """Going back did not work: a person is needed now."""

    exit = Exit.ROLLBACK_FAILED


class Locked(CrossfadeError):
    """Another run holds the stack."""

    exit = Exit.LOCKED


class Deposed(Locked):
    """Another driver took over while this one did not answer; this one may change nothing any more."""


class SeamError(CrossfadeError):
    """A backend could not do what it was asked."""

    exit = Exit.DEPLOYMENT


class RouterError(SeamError):
    """Weights could not be written, or not be read back."""


class MeterError(SeamError):
    """Counts could not be read."""


class HandoverError(SeamError):
    """A singleton could not be held or released."""


class CapacityError(SeamError):
    """Instances could not be counted, or asked for."""


class JournalError(SeamError):
    """The journal cannot be written, or its middle is damaged."""
