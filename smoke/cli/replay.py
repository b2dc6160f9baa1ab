"""``crossfade replay``: what another plan would have done on the counts that a rollout recorded."""

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from math import inf
from pathlib import Path

import click

from infra.contract import Json
from smoke.cli.frame import check_settings
from smoke.cli.main import print_document
from smoke.errors import CrossfadeError, Exit, GateClosed, JournalError, UsageError
from smoke.journals import FileJournal
from smoke.plan import Plan
from smoke.rollout import Event, IllegalEvent, from_record
from smoke.rollout.replaying import Decision, NoCounts, Outcome, Replay, Replayed, replay_under
from smoke.wiring import Site

_JUDGED = "judged on counts alone: what probes saw (health, identity, restarts, memory) is in the journal as text"
_WAITING = 3
"""Reasons that are told of why a step is not decided yet."""
_AGREE = {True: "yes", False: "no", None: "not known"}


@click.command("replay")
@click.argument("journal")
@click.option(
    "--plan", "named", metavar="P", help="A stack of this project, or a file with a plan; by default the rollout's own."
)
@click.option("--stack", "-s", envvar="PULUMI_STACK", help="The stack that JOURNAL is a rollout of; a file needs none.")
@click.option("--json", "as_json", is_flag=True, help="Print one document.")
def command(journal: str, *, named: str | None, stack: str | None, as_json: bool) -> int:
    """Say what another plan would have done on the counts that a rollout recorded.

    JOURNAL is the name of a rollout, or the path of its journal file. A file with a plan is what `crossfade plan --json` prints,
    or what stands there under "plan".
    """
    try:
        found = _replay(_events(journal, stack), None if named is None else _plan(named), journal)
    except CrossfadeError as error:
        error.state = error.state or "nothing was changed"
        raise
    if as_json:
        print_document(_document(found))
    else:
        sys.stdout.write("\n".join(_lines(found, named)) + "\n")
    return Exit.WANTED


def _replay(events: Sequence[Event], plan: Plan | None, journal: str) -> Replay:
    try:
        return replay_under(plan, events)
    except NoCounts as nothing:
        raise GateClosed(str(nothing), where=journal, hint="crossfade report says what it did record") from nothing
    except (IllegalEvent, ValueError) as error:
        raise _unreadable(journal, error) from error


# What is read


def _is_path(text: str, suffix: str) -> bool:
    return "/" in text or text.endswith(suffix)


def _events(journal: str, stack: str | None) -> Sequence[Event]:
    if _is_path(journal, ".jsonl"):
        return _events_of(Path(journal))
    if stack is None:
        raise UsageError(f"whose rollout is {journal}?", hint="--stack STACK, or the path of a journal file instead of a name")
    site = Site.here(stack)
    names = site.journal.rollouts()
    if journal not in names:
        raise GateClosed(f"there is no rollout {journal}", where=stack, hint=f"one of: {', '.join(names) or 'none'}")
    return site.events(journal)


def _events_of(file: Path) -> Sequence[Event]:
    if file.suffix != ".jsonl" or not file.is_file():
        hint = "a journal is a file that ends in .jsonl: .state/.crossfade/PROJECT/STACK/ROLLOUT.jsonl"
        raise UsageError(f"there is no journal {file}", hint=hint)
    try:
        return [from_record(record) for record in FileJournal(file.parent).records(file.stem)]
    except OSError as error:
        raise UsageError(f"{file} cannot be read", cause=str(error)) from error
    except ValueError as error:
        raise _unreadable(str(file), error) from error


def _unreadable(journal: str, error: Exception) -> JournalError:
    return JournalError(
        "the journal cannot be read",
        where=journal,
        cause=f"{error}: another version of Crossfade wrote it",
        hint="replay it with that version",
    )


def _plan(named: str) -> Plan:
    document = _plan_file(Path(named)) if _is_path(named, ".json") else check_settings(Site.here(named))["plan"]
    try:
        plan = Plan.from_json(document)
        _check(plan)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        hint = 'crossfade plan --json prints one, under "plan"'
        raise UsageError("this is no plan", where=named, cause=f"{type(error).__name__}: {error}", hint=hint) from error
    return plan


def _plan_file(file: Path) -> Json:
    try:
        document = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError("the plan cannot be read", where=str(file), cause=str(error)) from error
    return document.get("plan", document) if isinstance(document, Mapping) else document


def _check(plan: Plan) -> None:
    """What a file may say that settings cannot."""
    gates = [
        each for one in (plan.gates, *plan.own.values()) for each in asdict(replace(one, requests=one.requests or 0)).values()
    ]
    steps = [each for step in plan.steps for each in asdict(step).values()]
    others = [plan.tick, plan.prove, plan.blind, plan.hold, plan.false_aborts, plan.false_passes]
    wrong = [each for each in (*steps, *gates, *others) if not isinstance(each, (int, float)) or not 0 <= each < inf]
    if wrong or not plan.steps:
        raise ValueError(f"{wrong[0]!r} is no number from 0 on" if wrong else "it has no step")
    if not (0 < plan.false_aborts < 1 and 0 < plan.false_passes < 1):
        raise ValueError("a probability is between 0 and 1")


# What is said


def _document(replay: Replay) -> Mapping[str, Json]:
    opened = replay.opened
    return {
        "rollout": opened.rollout,
        "live": opened.live,
        "candidate": opened.candidate,
        "release": opened.release,
        "plan": replay.plan.to_json(),
        "own": replay.plan == opened.plan,
        "agrees": replay.agrees,
        "steps": [_step(step) for step in replay.steps],
        "stopped": replay.stopped,
        "unjudged": replay.unjudged,
        "unrecorded": replay.unrecorded,
        "judged": _JUDGED,
    }


def _step(step: Replayed) -> Mapping[str, Json]:
    return {
        "step": step.step + 1,
        "share": step.share,
        "by": asdict(step.by),
        "watched": step.watched,
        "recorded": [_decided(each) for each in step.recorded],
        "replayed": [_decided(each) for each in step.replayed],
        "waiting": step.waiting,
        "agrees": step.agrees,
    }


def _decided(decision: Decision) -> Mapping[str, Json]:
    return {**asdict(decision), "outcome": decision.outcome.value}


def _lines(replay: Replay, named: str | None) -> list[str]:
    opened, steps = replay.opened, replay.opened.plan.steps
    shares = ["hand-over" if step.singletons else f"{step.share} %" for step in steps]
    rows = [("step", "share", "recorded", "under the plan", "agree")]
    rows += [
        (f"{step.step + 1} of {len(steps)}", shares[step.step], _recorded(step), _under(step), _AGREE[step.agrees])
        for step in replay.steps
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    head, *table = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
    lines = [f"rollout {opened.rollout}: {opened.candidate} ({opened.release}) beside {opened.live}"]
    lines += [f"under the plan {'that it had' if named is None else f'of {named}'}", "", head]
    for line, step in zip(table, replay.steps, strict=True):
        lines += [line, *(f"        {reason}" for reason in _reasons(step))]
    return [*lines, "", *_notes(replay)]


def _recorded(step: Replayed) -> str:
    said = [_said(each) + ("" if each.counted else " (not on counts)") for each in step.recorded]
    return ", then ".join(said) or f"watched for {step.watched:.1f} s"


def _under(step: Replayed) -> str:
    if step.replayed and not step.waiting:
        return ", then ".join(map(_said, step.replayed))
    return f"not known: recorded for {step.watched:.1f} s only" if step.recorded else "undecided to the end of the record"


def _said(decision: Decision) -> str:
    return f"{decision.outcome.value} after {decision.after:.1f} s"


def _reasons(step: Replayed) -> Iterator[str]:
    if step.by.share != step.share:
        yield f"judged by the plan's step of {step.by.share} %"
    for decision in step.replayed:
        yield from decision.because
    yield from step.waiting[:_WAITING]


def _notes(replay: Replay) -> Iterator[str]:
    last = replay.steps[-1]
    if replay.stopped:
        yield "what was recorded after this did not happen under this plan"
    elif last.recorded and Outcome.PASSED not in {each.outcome for each in last.recorded} and _passed(last):
        yield "under this plan the rollout went on: what it would have seen then was not recorded"
    if replay.plan == replay.opened.plan and replay.agrees is not None:
        yield f"self check: its own plan decides {'the same' if replay.agrees else 'something ELSE, which counts do not explain'}"
    if replay.unjudged:
        yield f"recorded, but not in this plan: {', '.join(replay.unjudged)}"
    if replay.unrecorded:
        yield f"in this plan, but not recorded: {', '.join(replay.unrecorded)}"
    yield _JUDGED


def _passed(step: Replayed) -> bool:
    return bool(step.replayed) and step.replayed[-1].outcome is Outcome.PASSED
