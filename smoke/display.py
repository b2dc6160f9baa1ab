"""How a rollout is shown while it runs: a live table in a terminal, plain lines in a pipe, JSON lines for machines.

Each is a listener of the same ticks, or a fold of the same events; none of them asks the world anything.
"""

import json
import time
from collections.abc import Callable, Sequence
from typing import IO, TYPE_CHECKING

from smoke.model import Finding, Verdict
from smoke.rollout import Failed, Looked, Rollout, Stuck, sentence
from smoke.rollout.record import to_record
from smoke.rollout.tick import Tick

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.live import Live

_QUIET = 5.0
"""Seconds between lines of progress in a pipe."""


def plain(stream: IO[str], clock: Callable[[], float] = time.monotonic) -> Callable[[Tick], None]:
    """A listener that writes a line an event, and one every few seconds in between."""
    last = float("-inf")

    def listen(tick: Tick) -> None:
        nonlocal last
        now = clock()
        if tick.event is not None:
            line = sentence(tick.event, tick.rollout)
        elif tick.findings and now - last >= _QUIET:
            line = progress(tick)
        else:
            return
        last = now
        stream.write(f"{time.strftime('%H:%M:%S')}  {tick.rollout.phase.value:<11} {line}\n")
        stream.flush()

    return listen


def json_lines(stream: IO[str]) -> Callable[[Tick], None]:
    """A listener that writes one JSON object an event."""

    def listen(tick: Tick) -> None:
        if tick.event is not None:
            record = {"format": 1, "phase": tick.rollout.phase.value, **to_record(tick.event)}
            stream.write(json.dumps(record) + "\n")
            stream.flush()

    return listen


def progress(tick: Tick) -> str:
    """One line on what is seen and what is still missing."""
    waiting = [finding.because for finding in tick.findings if finding.verdict is not Verdict.PASS]
    return f"{tick.rollout.share} %: " + ("; ".join(waiting[:3]) or "every gate passes")


class LiveTable:
    """A table that follows the rollout in a terminal, with the events above it."""

    def __init__(self) -> None:
        self._live: Live | None = None

    def __call__(self, tick: Tick) -> None:
        """Hear a tick."""
        from rich.live import Live  # noqa: PLC0415 - only a terminal needs it

        if self._live is None:
            self._live = Live(auto_refresh=False)
            self._live.start()
        if tick.event is not None and not isinstance(tick.event, Looked):
            style = "bold red" if isinstance(tick.event, (Failed, Stuck)) else "none"
            line = f"{time.strftime('%H:%M:%S')}  {sentence(tick.event, tick.rollout)}"
            self._live.console.print(line, style=style, markup=False, highlight=False)
        self._live.update(_table(tick), refresh=True)

    def close(self) -> None:
        """Leave the terminal as it was."""
        if self._live is not None:
            self._live.stop()


def _table(tick: Tick) -> "RenderableType":
    from rich.table import Table  # noqa: PLC0415 - dito
    from rich.text import Text  # noqa: PLC0415

    rollout, evidence = tick.rollout, tick.evidence
    table = Table(title=_title(rollout), title_justify="left", expand=False)
    for heading in ("service", "slot", "weight", "requests", "errors", "p95", "probes"):
        table.add_column(heading, justify="left" if heading in {"service", "slot", "probes"} else "right")
    for service in (*rollout.opened.services, *rollout.opened.singletons):
        for slot in (rollout.opened.live, rollout.opened.candidate):
            table.add_row(*_row(tick, service, slot))
    waiting = [finding for finding in tick.findings if finding.verdict is not Verdict.PASS]
    table.caption = Text("\n".join(_caption(waiting)) or f"watched for {evidence.watched:.1f} s", justify="left")
    return table


def _title(rollout: Rollout) -> str:
    steps = ["hand-over" if step.singletons else f"{step.share} %" for step in rollout.plan.steps]
    steps[rollout.step] = f"({steps[rollout.step]})"
    return f"{rollout.phase.value}  {' → '.join(steps)}"


def _row(tick: Tick, service: str, slot: str) -> Sequence[str]:
    from smoke.analysis.intake import quantile  # noqa: PLC0415 - beside its only use

    rollout = tick.rollout
    streaks = [streak for (name, place, _), streak in tick.evidence.streaks.items() if (name, place) == (service, slot)]
    well = f"{sum(not streak.bad for streak in streaks)} of {len(streaks)} well"
    if service in rollout.opened.singletons:
        return (service, slot, "at work" if slot == rollout.worker else "warm", "", "", "", well)
    counts = tick.evidence.counts(service, slot)
    p95 = f"{quantile(counts, 0.95):.3g} ms" if counts.requests else ""
    return (service, slot, f"{rollout.weights[slot]} %", str(counts.requests), str(counts.errors), p95, well)


def _caption(findings: Sequence[Finding]) -> list[str]:
    return [f"{finding.verdict.value}: {finding.because}" for finding in findings[:4]]
