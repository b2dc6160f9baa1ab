"""A stack that only says what it was given: for rehearsals and tests."""

from collections.abc import Mapping
from typing import Any

from infra.contract import Contract
from smoke.errors import DeployError


class MemoryStack:
    """A contract, and what it was reverted to."""

    def __init__(self, contract: Contract, *, broken: bool = False) -> None:
        self._contract = contract
        self._broken = broken
        self.changing: str | None = None
        """Who is at work on it."""
        self.reverted: list[tuple[str, Mapping[str, Mapping[str, Any]]]] = []
        self.deployed = 0
        """How often."""

    def release(self) -> Contract:
        """The contract it was given."""
        return self._contract

    def revert(self, slot: str, inputs: Mapping[str, Mapping[str, Any]]) -> str:
        """Remember what was asked.

        Raises:
            DeployError: the stack was made to be broken.
        """
        if self._broken:
            raise DeployError("the stack was told to fail")
        self.reverted.append((slot, inputs))
        return "nothing differs"

    def busy(self) -> str | None:
        """Nobody, unless somebody was put there."""
        return self.changing

    def deploy(self) -> None:
        """Remember that it was asked.

        Raises:
            DeployError: the stack was made to be broken.
        """
        if self._broken:
            raise DeployError("the stack was told to fail")
        self.deployed += 1
