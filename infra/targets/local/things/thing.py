"""What a thing is: it can be made, unmade, and looked at. Making is absolute and may be repeated.

What a thing is made from is its ``spec``: plain values that Pulumi keeps in its state. A thing holds nothing else.
"""

from collections.abc import Mapping
from typing import Any, ClassVar, Protocol

from infra.contract.document import Json
from infra.targets.local.home import Home

Spec = Mapping[str, Any]


class ThingError(Exception):
    """A thing cannot be made; says what to do."""


class Thing(Protocol):
    """One kind of thing."""

    KEPT: ClassVar[bool]
    """It is made once: a spec that differs changes nothing."""

    def make(self, home: Home, spec: Spec) -> Mapping[str, Json]:
        """Have it, as the spec says; returns what is known only then.

        Raises:
            ThingError: it cannot be had.
        """

    def unmake(self, home: Home, spec: Spec) -> None:
        """Have it no more; may be repeated."""

    def well(self, home: Home, spec: Spec) -> bool:
        """Whether it is there, as the spec says."""
