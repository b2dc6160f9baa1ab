"""Documents of a migration, written from evidence: what moves, what is known against it, and how it is done. Pure.

Nothing is in them that no gate said, and what nobody asked is told as that, with the command that asks it.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath

from smoke.evidence import Standing
from smoke.plan import Plan
from smoke.reports.markdown import table
from smoke.reports.telling import date

PLAN, SECURITY, GUIDE = "DEPENDENCY_UPDATE_PLAN.md", "SECURITY_AUDIT_REPORT.md", "MIGRATION_GUIDE.md"
BREAKS = {"removed": "modules that are gone", "types": "types", "imports": "imports", "risks": "what may do something else"}
TESTED = ("junit", "suite", "coverage", "replay", "ab", "memory", "load", "stop", "peer", "tls", "signatures")
RISKS: Sequence[tuple[str, str, tuple[str, ...]]] = (
    ("something breaks", "asked before", ("removed", "types", "imports", "risks", "suite", "junit")),
    ("it does something else", "the same inputs through both", ("replay", "peer", "stop")),
    ("it is slower, or takes more", "compared, and watched at each step", ("ab", "memory", "load")),
    ("users are harmed", "traffic in steps, back by itself", ("soak", "signatures", "tls")),
    ("data is lost", "kept and read back before", ("backup",)),
    ("it is down for long", "both slots run, and the way back was gone", ()),
)
"""What may go wrong, what is done about it, and the gates that show it; the last is shown by a way back that was gone."""
_VALUED = frozenset({"--sarif", "--patch"})
_MOVED = re.compile(r"(?:up|down)graded: (\S+) (.+?) -> (.+?)( \(major\))?")
_ONCE = re.compile(r"(added|removed): (\S+) (.+)")


@dataclass(frozen=True, slots=True)
class Chapter:
    """A gate, how it stands, and what its command wrote."""

    standing: Standing
    kind: str
    """The gate that ships, as ``delta``; empty: a command of the user's own."""
    lines: tuple[str, ...] = ()
    """Without the last, which is for machines."""


@dataclass(frozen=True, slots=True)
class Move:
    """What is moved, and by what it is said."""

    stack: str
    release: str
    runtimes: Mapping[str, str]
    """By slot."""
    plan: Plan
    rehearsed: str
    """The way back that was gone last; empty: none was."""
    chapters: Sequence[Chapter]
    link: str
    """The last of the chain of evidence; empty: there is none."""

    def of(self, *kinds: str) -> Sequence[Chapter]:
        """The chapters of these kinds."""
        return [each for each in self.chapters if each.kind in kinds]

    @property
    def missing(self) -> Sequence[str]:
        """Everything that a document speaks of and that was not asked about this release."""
        asked = {each.kind for each in self.chapters if each.standing.open}
        wanted = {"delta": "delta" in asked, "audit": "audit" in asked, " or ".join(BREAKS): bool(asked & BREAKS.keys())}
        gates = [f"no gate {name} is open" for name, there in wanted.items() if not there]
        return gates if self.rehearsed else [*gates, "nobody has gone back by this plan"]


def kind_of(words: Sequence[str]) -> str:
    """Which gate that ships a command is, or which other command of ours; empty: none. What stands before it is passed."""
    names = [PurePath(each).name for each in words]
    ours = names.index("crossfade") + 1 if "crossfade" in names else len(words)
    if words[ours : ours + 1] != ["gate"]:
        return "".join(words[ours : ours + 1])
    rest = iter(words[ours + 1 :])
    for word in rest:
        if word in _VALUED:
            next(rest, None)
        elif not word.startswith("-"):
            return word
    return ""


def documents(move: Move) -> Mapping[str, str]:
    """Every document, by the name of its file."""
    texts = {PLAN: _updates(move), SECURITY: _security(move), GUIDE: _guide(move)}
    foot = f"By `crossfade guide`, from evidence about release `{move.release}`; last link of its chain: `{move.link or 'none'}`."
    return {name: "\n".join([*lines, "", "---", "", foot]) + "\n" for name, lines in texts.items()}


def _updates(move: Move) -> list[str]:
    lines = ["# Plan of dependency updates", "", *_said(move.of("delta"), "which libraries move with the runtime", "delta")]
    found = [line for each in move.of("delta") for line in each.lines]
    moved = [(match[1], match[2], match[3], bool(match[4])) for line in found if (match := _MOVED.fullmatch(line))]
    once = [(match[1], match[2], match[3]) for line in found if (match := _ONCE.fullmatch(line))]
    rows = [(name, old, new, "read its change log, and test what uses it") for name, old, new, major in moved if major]
    rows += [(name, old, new, "comes with the lock") for name, old, new, major in moved if not major]
    rows += [
        (name, version, "", "must not be imported any more: gate imports") for how, name, version in once if how == "removed"
    ]
    rows += [(name, "", version, "comes with the lock") for how, name, version in once if how == "added"]
    if rows:
        lines += ["", *_table(("package", "before", "after", "what to do"), rows)]
    return [
        *lines,
        "",
        "## Wheels",
        "",
        *_said(move.of("wheels"), "whether all of it comes as wheels", "wheels"),
        *_listed(move.of("wheels")),
    ]


def _security(move: Move) -> list[str]:
    chapters = move.of("audit")
    lines = ["# Report of the security audit", "", *_said(chapters, "what is known against the locked packages", "audit")]
    return [*lines, *_listed(chapters)]


def _guide(move: Move) -> list[str]:
    runtimes = [(slot, runtime) for slot, runtime in sorted(move.runtimes.items())]
    lines = [f"# Guide of the migration of {move.stack}", "", *_table(("slot", "runtime"), runtimes), "", "## What breaks"]
    for kind, what in BREAKS.items():
        chapters = move.of(kind)
        lines += ["", f"### {what.capitalize()}", "", *_said(chapters, what, kind), *_listed(chapters)]
    lines += ["", "## What was tested on both", ""]
    tested = [each for each in move.chapters if each.kind in TESTED or not each.kind]
    lines += [f"- {_one(each)}" for each in tested] or ["Nothing was asked yet: `crossfade check`."]
    steps = ", ".join(
        "hand-over" if step.singletons else f"{step.share} % for {step.bake:g} s or more" for step in move.plan.steps
    )
    lines += [
        "",
        "## How it is rolled out",
        "",
        f"`crossfade promote --stack {move.stack}`: {steps}; back by itself where it is worse.",
    ]
    lines += [
        "",
        "## Going back",
        "",
        f"While it runs: `crossfade abort --stack {move.stack}`. Later: `crossfade revert --stack {move.stack}`.",
    ]
    lines += [
        "",
        f"Rehearsed: {move.rehearsed}." if move.rehearsed else "Nobody has gone back by this plan yet: do, before it matters.",
    ]
    again = ["edit the settings of the idle slot", f"`pulumi up --stack {move.stack}`", f"`crossfade check --stack {move.stack}`"]
    lines += ["", "## The next update", "", *(f"1. {each}" for each in [*again, f"`crossfade promote --stack {move.stack}`"])]
    risks = [(risk, control, _shown(move, kinds)) for risk, control, kinds in RISKS]
    lines += ["", "## Risks", "", *_table(("risk", "what is done about it", "shown by"), risks)]
    rows = [
        (each.standing.gate.id, each.standing.gate.phase, each.standing.state.value, _when(each), _hash(each))
        for each in move.chapters
    ]
    return [*lines, "", "## Evidence", "", *_table(("gate", "phase", "state", "asked", "what it wrote, SHA-256"), rows)]


def _shown(move: Move, kinds: Sequence[str]) -> str:
    """The gates of these kinds, with their states; without kinds the way back."""
    if not kinds:
        return move.rehearsed or "nobody has gone back yet"
    found = [f"{each.standing.gate.id} ({each.standing.state.value})" for each in move.of(*kinds)]
    return ", ".join(found) or f"nothing yet: gate {', '.join(kinds)}"


def _said(chapters: Sequence[Chapter], what: str, kind: str) -> list[str]:
    """What a kind of gates says, or that there is none."""
    missing = (
        f"Not known: no gate asks {what}. `crossfade:checks` with `crossfade gate {kind}` would (docs/checks.md of Crossfade)."
    )
    return [f"- {_one(each)}" for each in chapters] or [missing]


def _one(chapter: Chapter) -> str:
    standing = chapter.standing
    return f"**{standing.state.value}** `{standing.gate.id}`: {_plain(standing.why)}" + (
        f" ({_when(chapter)})" if standing.evidence else ""
    )


def _listed(chapters: Sequence[Chapter]) -> list[str]:
    lines = [f"- {_plain(line)}" for each in chapters for line in each.lines]
    return ["", *lines] if lines else []


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    return table(head, [[_plain(cell) for cell in row] for row in rows])


def _plain(text: str) -> str:
    """A stranger's text, which is no markup here."""
    return re.sub(r"([\\|<>*_`\[\]])", r"\\\1", text)


def _when(chapter: Chapter) -> str:
    return date(chapter.standing.evidence.at) if chapter.standing.evidence else "never"


def _hash(chapter: Chapter) -> str:
    evidence = chapter.standing.evidence
    return evidence.files[0].sha256[:16] if evidence and evidence.files else ""
