"""Gates before a rollout, as they may be written: a command of the user's own for each, and who answers for one that is shut."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from infra.config.hours import day_after
from infra.config.kinds import Command, Model, Name, Seconds, Span
from infra.contract import Json

ROWS = 120
"""Of the checklist."""
Phase = Literal["prepare", "test", "images", "staging", "production", "after"]


Row = Annotated[int, Field(ge=1, le=ROWS)]


class CheckSettings(Model):
    """One gate: a command of your own answers it, or people do."""

    phase: Phase = Field(examples=["test"], description="when it is asked: prepare, test, images, staging, production or after")
    command: Command = Field(
        default=(),
        examples=["pytest -q"],
        description="what answers it, in the project's folder: 0 passes, 12 is undecided, any other status fails; without it "
        "people do: crossfade attest",
    )
    wanted: str = Field(default="", examples=["every test passes"], description="what must hold, for people")
    service: Name | None = Field(default=None, examples=["api"], description="the service that it is about; without it all")
    fresh: Span = Field(default=604_800.0, examples=["7d"], description="how long an answer counts")
    rows: tuple[Row, ...] = Field(
        default=(), examples=[[28, 109]], description="rows of the checklist that it answers: crossfade checklist"
    )
    limit: Seconds = Field(default=600.0, examples=["10m"], description="how long the command may take")

    @model_validator(mode="after")
    def _asks_something(self) -> Self:
        if not self.command and not self.wanted:
            raise ValueError("say what answers it, by command, or what people shall say of it, by wanted")
        return self

    def document(self, name: str) -> Mapping[str, Json]:
        """As whoever asks it is told."""
        return {
            **self.model_dump(),
            "command": list(self.command),
            "rows": list(self.rows),
            "wanted": self.wanted or f"{name} passes",
        }


class WaiverSettings(Model):
    """Somebody answers for going on without a gate, for a time."""

    check: Name = Field(examples=["unit-tests"], description="the gate")
    owner: str = Field(min_length=1, examples=["ann"], description="who answers for it")
    why: str = Field(min_length=1, examples=["two tests wait for a driver that is out in May"])
    until: Annotated[datetime, BeforeValidator(day_after)] = Field(
        examples=["2026-12-20"], description="the last day on which it counts, in UTC"
    )

    def document(self) -> Mapping[str, Json]:
        """As whoever asks is told: the end in seconds since 1970."""
        end = self.until.replace(tzinfo=UTC).timestamp()
        return {"gate": self.check, "owner": self.owner, "why": self.why, "until": end}


def checks_document(
    checks: Mapping[str, CheckSettings],
    waivers: Sequence[WaiverSettings],
    requires: Sequence[Phase],
    skips: Mapping[int, str],
) -> Mapping[str, Any]:
    """All of it, as one document."""
    return {
        "gates": {name: each.document(name) for name, each in checks.items()},
        "waivers": [each.document() for each in waivers],
        "requires": list(requires),
        "skips": {str(row): why for row, why in skips.items()},
    }
