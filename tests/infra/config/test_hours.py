"""Windows, freezes, approvals and what lasts: what may be written, what is told of what may not, and what becomes of it."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from workshop import pulumi_folder

from infra.check import main
from infra.config import from_values, read, validate
from infra.config.plan import plan_document
from smoke.plan import Freeze, Plan, Window
from tests.infra.config.project import ROOT, Project
from tests.infra.config.test_settings import AGENT, API, hints, settings

BERLIN = "Europe/Berlin"
WINDOW = {"days": "mon-fri", "hours": "09:00-17:00", "zone": BERLIN}
FREEZE = {"from": "2026-12-20", "until": "2027-01-03", "why": "holidays", "zone": BERLIN}


def planned(**written: Any) -> Plan:  # noqa: ANN401 - settings as written
    """The plan of settings, as the driver reads it."""
    return Plan.from_json(plan_document(settings(plan=written)))


def told(**written: Any) -> list[str]:  # noqa: ANN401
    """Key and hint of every fault of a plan."""
    return [each.removeprefix("crossfade:plan.") for each in hints(plan=written)]


def at(text: str, zone: str = BERLIN) -> float:
    """Seconds since 1970 when the clocks of a zone show this first."""
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp()


@pytest.mark.parametrize(
    ("written", "days"),
    [
        ("mon-fri", (0, 1, 2, 3, 4)),
        ("mon,wed, fri", (0, 2, 4)),
        (["mon", "wed"], (0, 2)),
        ("fri-mon", (0, 4, 5, 6)),
        ("mon-tue,tue-wed,sun", (0, 1, 2, 6)),
        ("sun", (6,)),
        ("daily", (0, 1, 2, 3, 4, 5, 6)),
    ],
    ids=str,
)
def test_days(written: object, days: tuple[int, ...]) -> None:
    """Days are words, from one to another, more of them with commas or as a list; each counts once."""
    assert planned(windows=[{**WINDOW, "days": written}]).windows == (Window(days, 540, 1020, BERLIN),)


@pytest.mark.parametrize(
    ("written", "start", "end"),
    [("09:00-17:00", 540, 1020), ("9:05 - 24:00", 545, 1440), ("22:00-02:00", 1320, 120), ("00:00-24:00", 0, 1440)],
)
def test_hours(written: str, start: int, end: int) -> None:
    """Hours are two times of the day, the second the next day's where it is not after the first; without a zone they are UTC."""
    assert planned(windows=[{"days": "mon", "hours": written}]).windows == (Window((0,), start, end, "UTC"),)


@pytest.mark.parametrize(
    ("written", "start", "end"),
    [
        ({}, at("2026-12-20"), at("2027-01-04")),
        ({"until": "2026-12-20"}, at("2026-12-20"), at("2026-12-21")),
        ({"from": "2026-12-20 18:00", "until": "2026-12-20 18:30"}, at("2026-12-20 18:00"), at("2026-12-20 18:30")),
        ({"from": "2026-12-20 00:00:00 +0000 UTC"}, at("2026-12-20"), at("2027-01-04")),
        ({"until": "2027-01-03 00:00:00 +0000 UTC"}, at("2026-12-20"), at("2027-01-04")),
        ({"until": "2027-01-03 00:00"}, at("2026-12-20"), at("2027-01-03")),
        ({"from": "2026-10-25 02:30", "until": "2026-10-25 02:31"}, 1792888200, 1792888260 + 3600),
        ({"from": "2026-03-29 02:30", "until": "2026-03-29 02:31"}, 1774744200, 1774747860),
    ],
    ids=str,
)
def test_freezes(written: Mapping[str, str], start: float, end: float) -> None:
    """A freeze has its last day whole, and of what clocks show twice or not at all the longer time."""
    assert planned(freezes=[{**FREEZE, **written}]).freezes == (Freeze(start, end, "holidays", BERLIN),)


def test_a_freeze_without_a_zone_is_in_utc() -> None:
    """Where no zone is written, days are those of UTC."""
    bare = {name: each for name, each in FREEZE.items() if name != "zone"}
    assert planned(freezes=[bare]).freezes == (Freeze(at("2026-12-20", "UTC"), at("2027-01-04", "UTC"), "holidays"),)


def test_what_lasts_and_who_approves() -> None:
    """Lengths of time, flags and the number of persons come to the driver as written, and nobody writes that it is `forward`."""
    written = planned(
        approvals_last="10m", own_approval=False, absence="5m", keep="0s", steps=[{"share": 5, "approvals": 1}, 50, 100]
    )

    assert (written.approvals_last, written.own_approval, written.absence, written.keep) == (600, False, 300, 0)
    assert [step.approvals for step in written.steps] == [1, 0, 0]
    assert not written.forward
    assert told(forward=True) == ["forward -> take forward out"]


def test_singletons_need_no_approval_of_their_own() -> None:
    """Who approved of the whole traffic approved of the singletons that follow it."""
    written = settings(services={"api": API, "agent": AGENT}, plan={"steps": [{"share": 100, "approvals": 2}]})
    steps = Plan.from_json(plan_document(written)).steps

    assert [(step.singletons, step.approvals) for step in steps] == [(False, 2), (True, 0)]


def test_how_long_a_browser_stays() -> None:
    """A service that browsers stay on says for how long at most, eight hours unless it is written."""
    sticky = {**API, "kind": "sticky-http"}
    found = [settings(services={"api": each}).services["api"].affinity for each in (sticky, {**sticky, "affinity": "30m"})]

    assert found == [8 * 3600, 1800]


def test_a_slot_may_go_that_served_first() -> None:
    """The slot that served first is the stack's for ever, and may be taken out of the settings."""
    assert settings(start="green").start == "green"
    assert hints(start="red") == ["crossfade:start -> crossfade:start: blue"]


@dataclass(frozen=True, slots=True)
class Broken:
    """Lines of a plan that are wrong, and what is told of them."""

    written: str
    key: str
    what: str
    hint: str


W, F = "windows:\n      - ", "freezes:\n      - "
FROM_UNTIL = "from: 2026-12-20, until: 2027-01-03"
BROKEN = [
    Broken(W + "{days: mon-fry, hours: 09:00-17:00}", "windows[0].days", "days is wrong: 'mon-fry'", "days: mon-fri"),
    Broken(W + "{days: Monday, hours: 09:00-17:00}", "windows[0].days", "days is wrong: 'Monday'", "days: mon"),
    Broken(
        W + "{days: mon,wed, hours: 09:00-17:00}",
        "windows[0]",
        "windows[0] is wrong: {'days': 'mon', 'wed': None, 'hours': '09:00-17:00'}",
        "windows:\n- {days: 'mon,wed', hours: '09:00-17:00'}",
    ),
    Broken(W + "days: mon", "windows[0].hours", "hours is missing", "hours: '09:00-17:00'"),
    Broken(W + "{days: mon, hours: 9}", "windows[0].hours", "hours is wrong: 9", "hours: '09:00-17:00'"),
    Broken(W + "{days: mon, hours: 9:00}", "windows[0].hours", "hours is wrong: '9:00'", "hours: '09:00-17:00'"),
    Broken(W + "{days: mon, hours: 09:00-25:00}", "windows[0].hours", "hours is wrong: '09:00-25:00'", "hours: '09:00-17:00'"),
    Broken(W + "{days: mon, hours: 09:60-17:00}", "windows[0].hours", "hours is wrong: '09:60-17:00'", "hours: '09:00-17:00'"),
    Broken(W + "{days: mon, hours: 09:00-09:00}", "windows[0].hours", "hours is wrong: '09:00-09:00'", "hours: '00:00-24:00'"),
    Broken(
        W + "{days: mon, hours: 09:00-17:00, zone: Europe/Berln}",
        "windows[0].zone",
        "there is no time zone Europe/Berln",
        "zone: Europe/Berlin",
    ),
    Broken(
        F + "{" + FROM_UNTIL + ", why: x, zone: ../x}", "freezes[0].zone", "there is no time zone ../x", "zone: Europe/Berlin"
    ),
    Broken(F + "from: 2026-12-20\n        until: 2027-01-03", "freezes[0].why", "why is missing", "why: holidays"),
    Broken(F + "from: 2026-12-20\n        why: x", "freezes[0].until", "until is missing", "until: '2027-01-03'"),
    Broken(F + "until: 2027-01-03\n        why: x", "freezes[0].from", "from is missing", "from: '2026-12-20'"),
    Broken(
        F + "{from: 2026-13-20, until: 2027-01-03, why: x}",
        "freezes[0].from",
        "from is wrong: '2026-13-20'",
        "from: '2026-12-20'",
    ),
    Broken(
        F + "{from: 2026-1-3, until: 2027-01-03, why: x}", "freezes[0].from", "from is wrong: '2026-1-3'", "from: '2026-01-03'"
    ),
    Broken(
        F + "{from: 2026-12-20T18:00:00Z, until: 2027-01-03, why: x}",
        "freezes[0].from",
        "from is wrong: '2026-12-20T18:00:00Z'",
        "from: '2026-12-20 18:00'",
    ),
    Broken(
        F + "{from: 2026-12-20, until: next year, why: x}",
        "freezes[0].until",
        "until is wrong: 'next year'",
        "until: '2027-01-03'",
    ),
    Broken(
        F + "{from: 2027-01-03, until: 2026-12-20, why: x}",
        "freezes[0].until",
        "a freeze ends before it begins",
        "freezes:\n- {from: '2026-12-20', until: '2027-01-03', why: x}",
    ),
    Broken(
        F + "{from: 2026-12-20 18:00, until: 2026-12-20 18:00, why: x}",
        "freezes[0].until",
        "a freeze ends before it begins",
        "freezes:\n- {from: '2026-12-20 18:00', until: '2026-12-20', why: x}",
    ),
    Broken("approvals_last: never", "approvals_last", "approvals_last is wrong: 'never'", "approvals_last: 1h"),
    Broken("own_approval: perhaps", "own_approval", "own_approval is wrong: 'perhaps'", "own_approval: true"),
    Broken("absence: 0s", "absence", "absence is wrong: '0s'", "absence: 60s"),
    Broken("keep: -1", "keep", "keep is wrong: -1", "keep: 24h"),
]


@pytest.mark.parametrize("broken", BROKEN, ids=lambda each: each.written.partition("- ")[2] or each.written)
def test_what_is_told_and_that_it_mends(broken: Broken, whole: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """Each fault is told with its line and key, whatever else is whole, and the lines that are given, pasted, mend it."""
    whole.change("    traffic:\n", f"    {broken.written}\n    traffic:\n")
    arguments = ["--stack", "staging", "--project", str(whole.folder), "--json"]
    assert main(arguments) == 2
    [fault] = json.loads(capsys.readouterr().out)["faults"]

    assert fault["where"] == f"Pulumi.staging.yaml:{55 if '- ' in broken.written else 54} crossfade:plan.{broken.key}"
    assert (fault["what"], fault["hint"]) == (broken.what, broken.hint)
    whole.paste(fault["where"], fault["hint"])
    assert main(arguments) == 0


ELSEWHERE = {
    "approvals": ("[10, 50, 100]", "[{share: 10, approvals: -1}, 100]", ":48 crossfade:plan.steps[0].approvals", "approvals: 1"),
    "no length": ("      after: [api]\n", "      affinity: x\n", ":25 crossfade:services.dashboard.affinity", "affinity: 8h"),
    "too long": ("      after: [api]\n", "      affinity: 9000h\n", ":25 crossfade:services.dashboard.affinity", "affinity: 8h"),
    "http": ("kind: http\n", "kind: http\n      affinity: 8h\n", ":11 crossfade:services.api.affinity", "take affinity out"),
}


@pytest.mark.parametrize("name", ELSEWHERE)
def test_what_is_told_elsewhere(name: str, whole: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """Persons are not fewer than none, and a length of stay is one, of a service that browsers stay on."""
    old, new, where, hint = ELSEWHERE[name]
    whole.change(old, new)
    assert main(["--stack", "staging", "--project", str(whole.folder), "--json"]) == 2
    [fault] = json.loads(capsys.readouterr().out)["faults"]

    assert (fault["where"], fault["hint"]) == (f"Pulumi.staging.yaml{where}", hint)


def test_a_machine_without_time_zones(whole: Project) -> None:
    """Where the machine has no tz database, that is what is told, and how to get it."""
    whole.change("    traffic:\n", f"    {W}{{days: mon, hours: 09:00-17:00}}\n    traffic:\n")
    # A package with time zones may be installed beside us, and is none of that machine.
    without = "import runpy, sys; sys.modules['tzdata'] = None; runpy.run_module('infra.check', run_name='__main__')"
    command = [sys.executable, "-c", without, "--stack", "staging", "--project", str(whole.folder), "--json"]
    done = subprocess.run(
        command, cwd=ROOT, env={**os.environ, "PYTHONTZPATH": ""}, capture_output=True, text=True, check=False, timeout=60
    )
    [fault] = json.loads(done.stdout)["faults"]

    assert fault["what"] == "there is no time zone UTC"
    assert (fault["cause"], fault["hint"]) == ("this machine has no tz database", "apt-get install tzdata")


WRITTEN = """\
config:
  crossfade:target: local
  crossfade:slots: {blue: {runtime: py39, env: {SINCE: 2026-01-31, AT: 2026-01-31 18:00:00}}}
  crossfade:services:
    api: {kind: http, source: api, lock: l, command: x, port: 8080, health: [http: /]}
  crossfade:plan:
    windows:
      - {days: mon-fri, hours: 09:00-17:00, zone: Europe/Berlin}
      - {days: [sat, sun], hours: "9:00-12:00"}
    freezes:
      - {from: 2026-12-20, until: 2027-01-03, why: holidays, zone: Europe/Berlin}
      - {from: "2026-07-01", until: 2026-07-01 18:00, why: visit}
"""


@pytest.mark.engine
def test_both_ways_are_the_same(tmp_path: Path) -> None:
    """What Pulumi hands over is what the check reads, also of dates without quotes, and after Pulumi wrote them."""
    if (folder := pulumi_folder()) is None:
        pytest.skip("needs a Pulumi: make setup, then . ./activate")
    file = tmp_path / "Pulumi.staging.yaml"
    file.write_text(WRITTEN)
    (tmp_path / "Pulumi.yaml").write_text("name: trading\nruntime: python\n")
    expected = validate(read(file))

    here = {"PULUMI_BACKEND_URL": tmp_path.as_uri(), "PULUMI_CONFIG_PASSPHRASE": "", "PULUMI_SKIP_UPDATE_CHECK": "true"}
    here |= {"PATH": f"{folder}{os.pathsep}{os.environ['PATH']}", "HOME": str(tmp_path)}

    def pulumi(*words: str) -> str:
        command = ["pulumi", *words, "--stack", "staging", "--non-interactive"]
        return subprocess.run(
            command, cwd=tmp_path, env={**os.environ, **here}, capture_output=True, text=True, timeout=120, check=True
        ).stdout

    pulumi("stack", "init", "--secrets-provider", "passphrase")
    file.write_text(WRITTEN + file.read_text()[file.read_text().rfind("encryptionsalt:") :])
    handed = {key.removeprefix("crossfade:"): each for key, each in json.loads(pulumi("config", "--json")).items()}
    values = {key: each.get("objectValue", each["value"]) for key, each in handed.items()}

    assert values["plan"]["freezes"][0]["from"] == "2026-12-20 00:00:00 +0000 UTC"
    assert validate(from_values(values, str(file))) == expected
    pulumi("config", "set", "crossfade:start", "blue")
    assert "2026-12-20 00:00:00 +0000 UTC" in file.read_text()
    assert validate(read(file)).plan == expected.plan
