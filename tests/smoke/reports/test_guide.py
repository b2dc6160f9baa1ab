"""Documents of a migration: what gates said, and nothing else; what nobody asked is told as that."""

import pytest
from simulation import OPENED

from smoke.evidence import Evidence, File, Gate, Outcome, stand
from smoke.reports.guide import GUIDE, PLAN, SECURITY, Chapter, Move, documents, kind_of

NOW = 1_796_000_000.0


def chapter(name: str, kind: str, *lines: str, outcome: Outcome = Outcome.PASS, detail: str = "seen") -> Chapter:
    """A gate that was asked."""
    files = (File(f"{name}.txt", "ab" * 32),)
    found = Evidence(name, outcome, detail, NOW, "ann@desk", "r1", files=files)
    return Chapter(stand(Gate(name, "prepare", "it holds", None, 3600.0), [found], "r1", NOW), kind, lines)


def never(name: str, kind: str) -> Chapter:
    """A gate that nobody asked."""
    return Chapter(stand(Gate(name, "prepare", "it holds", None, 3600.0), [], "r1", NOW), kind)


def move(*chapters: Chapter, rehearsed: str = "0007-a went back") -> Move:
    """A move with these gates."""
    return Move("staging", "r1", {"blue": "py39", "green": "py312"}, OPENED.plan, rehearsed, chapters, "cd" * 32)


WHOLE = (
    chapter(
        "libraries",
        "delta",
        "upgraded: numpy 1.26.4 -> 2.0.2 (major)",
        "upgraded: idna 3.10 -> 3.11",
        "removed: gone-one 1.0",
        "added: fresh 2.0",
        detail="4 of 9 packages differ",
    ),
    chapter("audit", "audit", "six 1.17.0: PYSEC-1: <b>bad</b> | worse, not mended", outcome=Outcome.FAIL, detail="1 known"),
    chapter("types", "types", "api.py:3: Module `inspect` has no member `getargspec`", outcome=Outcome.FAIL),
    chapter("unit-tests", "", detail="412 passed"),
)


def test_the_plan_of_updates_has_every_package_that_moves() -> None:
    """Those that may break what they like come first, each with what to do."""
    rows = [line for line in documents(move(*WHOLE))[PLAN].splitlines() if line.startswith("| ") and "---" not in line]
    assert [row.split(" | ")[0].strip("| ") for row in rows] == ["package", "numpy", "idna", "gone-one", "fresh"]
    assert "read its change log" in rows[1]


def test_the_security_report_has_what_is_known() -> None:
    """With its verdict; what a stranger wrote is no markup."""
    text = documents(move(*WHOLE))[SECURITY]
    assert "**failed** `audit`: 1 known" in text
    assert r"\<b\>bad\</b\> \| worse" in text


def test_the_guide_has_breaks_tests_steps_and_the_way_back() -> None:
    """And the table of the evidence, with the hash of what was written."""
    text = documents(move(*WHOLE))[GUIDE]
    assert r"Module \`inspect\` has no member \`getargspec\`" in text
    assert "**passed** `unit-tests`: 412 passed" in text
    assert "Rehearsed: 0007-a went back." in text
    assert "| libraries | prepare | passed |" in text
    assert "abababababababab" in text


def test_every_risk_has_its_controls() -> None:
    """With the gates that show them and how these stand, or what would; the long outage by the way back that was gone."""
    rows = [line for line in documents(move(*WHOLE))[GUIDE].splitlines() if line.startswith(("| it ", "| data"))]
    assert len(rows) == 4
    assert "| nothing yet: gate backup |" in rows[2]
    assert "| 0007-a went back |" in rows[3]
    assert "types (failed)" in documents(move(*WHOLE))[GUIDE]


def test_what_nobody_asked_is_told() -> None:
    """No document says more than is known: it names the gate that would know, and is not whole."""
    nothing = move(rehearsed="")
    for name, text in documents(nothing).items():
        assert "Not known: no gate asks" in text, name
    assert "Nobody has gone back by this plan yet" in documents(nothing)[GUIDE]
    asked = move(never("libraries", "delta"))
    assert "**not measured** `libraries`: nobody asked yet" in documents(asked)[PLAN]
    says = ["no gate delta is open", "no gate audit is open", "no gate removed or types or imports or risks is open"]
    assert (nothing.missing, asked.missing) == ([*says, "nobody has gone back by this plan"], says)


def test_it_is_whole_when_all_of_it_is_known() -> None:
    """Libraries, vulnerabilities, what breaks, and a way back: each open."""
    whole = (chapter("libraries", "delta"), chapter("audit", "audit"), chapter("types", "types"))
    assert move(*whole).missing == []
    assert move(*whole[1:]).missing == ["no gate delta is open"]
    assert move(*whole, rehearsed="").missing == ["nobody has gone back by this plan"]
    assert "no gate audit is open" in move(*WHOLE).missing, "a gate that failed is not open"


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        ("crossfade gate delta 0 a b", "delta"),
        ("/opt/bin/crossfade gate --sarif out.sarif types a b c", "types"),
        ("crossfade gate --json audit 1 a b", "audit"),
        ("crossfade gate", ""),
        ("crossfade check delta", "check"),
        ("crossfade backup --stack staging one.tar.gz", "backup"),
        ("env A=1 crossfade gate suite reports 3.9=a", "suite"),
        ("pytest -q", ""),
        ("crossfade gate --patch", ""),
    ],
)
def test_a_gate_that_ships_is_known_by_its_command(words: str, kind: str) -> None:
    """Whatever options stand before its name."""
    assert kind_of(words.split()) == kind
