"""The numbers of a user's own that a service is judged on: where they are read, and what they may be."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field

from infra.config.health import LONGEST
from infra.config.kinds import Command, Model, Ratio, Seconds, Share, refusal
from infra.contract import Backend, Json, Metric

SLOT = "{slot}"
SOURCES = ("command", "promql", "sql")


def _url(value: str) -> str:
    if "@" in value:
        raise refusal("a password would lie open in the state: let a proxy on this machine add it", "http://127.0.0.1:9090")
    if not value.startswith(("http://", "https://")):
        raise refusal("it begins with http:// or https://", f"http://{value.partition('://')[2] or value}")
    return value


class Promql(Model):
    """Instant queries: ``bad`` and ``all``, or one ``value``."""

    url: Annotated[str, AfterValidator(_url)] = Field(
        examples=["http://127.0.0.1:9090"], description="where Prometheus listens, as http://127.0.0.1:9090"
    )
    bad: str | None = Field(default=None, examples=['sum(late_total{slot="{slot}"})'])
    all: str | None = Field(default=None, examples=['sum(fills_total{slot="{slot}"})'])
    value: str | None = Field(default=None, examples=['max(queue_age_seconds{slot="{slot}"})'])
    max_age: Seconds = Field(default=120.0, le=LONGEST, examples=["2m"], description="the oldest sample that counts")


class Sql(Model):
    """A query of a SQLite database that gives one row: bad and all, or one value."""

    database: str = Field(min_length=1, examples=["data/orders.db"], description="the file, as Pulumi.yaml sees it")
    query: str = Field(
        min_length=1,
        examples=["select sum(rejected), count(*) from orders where slot = :slot"],
        description="what gives one row for the slot :slot",
    )


class MetricSettings(Model):
    """One number of the user's own; it has exactly one source."""

    command: Command | None = Field(default=None, examples=["python -m ops.rejects --slot {slot}"])
    promql: Promql | None = Field(
        default=None,
        examples=[{"url": "http://127.0.0.1:9090", "bad": 'late_total{slot="{slot}"}', "all": 'fills_total{slot="{slot}"}'}],
    )
    sql: Sql | None = Field(
        default=None,
        examples=[{"database": "data/orders.db", "query": "select sum(rejected), count(*) from orders where slot = :slot"}],
    )
    above: float | None = Field(
        default=None,
        allow_inf_nan=False,
        examples=[5],
        description="what a good value is not above; each read is one observation",
    )
    at_most: Share | None = Field(default=None, examples=[0.01], description="share of all that may be bad")
    ratio: Ratio | None = Field(
        default=None, examples=[2.0], description="the candidate's share of bad ones may be this many times the live one's"
    )
    every: Seconds = Field(default=10.0, le=LONGEST, examples=["10s"], description="how often it is read")
    timeout: Seconds = Field(
        default=5.0, le=LONGEST, examples=["5s"], description="how long a read may take, both slots together"
    )

    @property
    def sources(self) -> tuple[str, ...]:
        """Which of the sources it has."""
        return tuple(each for each in SOURCES if getattr(self, each) is not None)

    def figures(self) -> tuple[str, ...]:
        """What its source must give."""
        return ("bad", "all") if self.above is None else ("value",)

    def contract(self, name: str, slots: Sequence[str], project: Path) -> Metric:
        """The metric as the contract carries it; ``project`` is the folder that paths begin in."""
        common = {"slots": list(slots), "timeout": self.timeout, **({} if self.above is None else {"above": self.above})}
        settings = {**self._own(project.absolute()), **common}
        return Metric(name, Backend(self.sources[0], settings), self.at_most, self.ratio, self.every)

    def _own(self, project: Path) -> Mapping[str, Json]:
        if self.promql is not None:
            return self.promql.model_dump(exclude_none=True)
        if self.sql is not None:
            return {"database": str(project / self.sql.database), "query": self.sql.query}
        return {"run": list(self.command or ()), "folder": str(project)}
