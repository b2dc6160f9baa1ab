"""The seam of infra: what the program asks of a kind of place."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from infra.config import Document, Fault, Settings
from infra.config.settings import Program
from infra.contract import Backend, Placement, Service
from infra.release import Inputs, Slots, Standing

if TYPE_CHECKING:
    import pulumi


@dataclass(frozen=True, slots=True)
class Site:
    """One stack of the project in a folder."""

    stack: str
    project: Path


@dataclass(frozen=True, slots=True)
class Driving:
    """What is not the same everywhere of how rollouts are driven."""

    journal: Backend | None = None
    """None: beside the state of Pulumi."""
    driver: Backend | None = None
    """None: a terminal, or a watchdog."""


class Ground(Protocol):
    """Looks at a place, and changes nothing."""

    def faults(self, settings: Settings, document: Document) -> Sequence[Fault]:
        """What this place cannot give that the settings ask for: a runtime, a file, a port."""

    def made(self, settings: Settings, program: Program, runtime: str) -> Inputs:
        """What the program is made from: digests of its source and lock, and whatever else this place makes it from.

        Raises:
            OSError: they cannot be read.
        """

    def standing(self) -> Standing:
        """What is there now, and which slots have traffic."""


class Target(Ground, Protocol):
    """Describes what shall be there, and declares it. Moves no traffic."""

    def place(self, settings: Settings, service: str, slot: str, inputs: Inputs) -> Placement:
        """How the service will be found in that slot."""

    def route(self, name: str, settings: Settings, placements: Mapping[str, Placement]) -> Service:
        """How the service is reached, watched and handed over."""

    def driving(self, settings: Settings) -> Driving:
        """Where rollouts are remembered, and what drives them where no terminal does."""

    def declare(self, settings: Settings, slots: Slots, serving: str) -> "pulumi.Output[str]":
        """Declare all of it; what is new starts with its traffic on ``serving``.

        Returns:
            When the stack was born, as a text that no other stack has; known once everything exists.
        """
