"""Faults beside the twelve that are told word for word: where, what to do, and that doing it mends them."""

import json
from dataclasses import dataclass

import pytest

from infra.check import main
from infra.config.faults import STATE
from tests.infra.config.project import Project


def _checked(whole: Project, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    """Exit code, and what was said, in this process."""
    code = main(["--stack", "staging", "--project", str(whole.folder)])
    return code, capsys.readouterr().err


UNREADABLE = {
    "broken YAML": ("after: [api]", "after: [api", ":26", "while parsing a flow sequence (line 25)"),
    "a tab": ("      kind: http", "\tkind: http", ":10", "cannot start any token (line 10)"),
    "it holds itself": ("after: [api]", "after: &a [*a]", ":25", "it contains itself"),
    "no config": ("config:", "confg:", ":2", "it has no `config:`, only confg, encryptionsalt"),
    "a list": ("config:", "config: []\nconfg:", ":2", "`config:` holds no settings"),
}


@pytest.mark.parametrize("name", UNREADABLE)
def test_what_cannot_be_read(name: str, whole: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """A file that is no settings file is a fault of its own, with the line where reading ended, and never a traceback."""
    old, new, line, cause = UNREADABLE[name]
    whole.change(old, new)
    code, err = _checked(whole, capsys)

    assert code == 2
    assert err.startswith(f"error: Pulumi.staging.yaml cannot be read\n  where: Pulumi.staging.yaml{line}\n")
    assert cause in err
    assert "  hint:  correct it, or see what was edited: git diff Pulumi.staging.yaml\n" in err
    assert err.endswith(f"  state: {STATE}\n")


@dataclass(frozen=True, slots=True)
class Other:
    """Something else that is broken, and what is told of it."""

    old: str
    new: str
    where: str
    hint: str


LOCK = "lock: examples/trading/locks/app-{runtime}.txt"
API, DASHBOARD, AGENT = "crossfade:services.api", "crossfade:services.dashboard", "crossfade:services.agent"
TRAFFIC = "      api: {rate: 100, path: /prices}"
OTHERS = [
    Other("port: $api", "port: $api\n      port: 1", f":15 {API}.port", "take line 14 or line 15 out"),
    Other("  crossfade:start:", "  crossfade:start: x\n  crossfade:start:", ":5 crossfade:start", "take line 4 or line 5 out"),
    Other("encryptionsalt:", "config: {}\nencryptionsalt:", ":57 config", "take line 2 or line 57 out"),
    Other("TRADING_API: ", "T: {secure: a}, A: ", f":26 {DASHBOARD}.env.T", "T: /path/of/a/file"),
    Other("TRADING_API: ", "PORT: ", f":26 {DASHBOARD}.env.PORT", "take PORT out"),
    Other("TRADING_API: ", "CROSSFADE_A: ", f":26 {DASHBOARD}.env.CROSSFADE_A", "take CROSSFADE_A out"),
    Other("green: {runtime", "red: {runtime", ":7 crossfade:slots.red", "call it green"),
    Other("port: $api", "port: 70000", f":14 {API}.port", "port: $spare"),
    Other("bake: 5s", "bake: 5 parsecs", ":49 crossfade:plan.bake", "bake: 1m"),
    Other("    api:", "    Api_1:", ":9 crossfade:services.Api_1", "call it api-1"),
    Other("    api:", "    a--b:", ":9 crossfade:services.a--b", "call it a-b"),
    Other("streamlit: /", "stremlit: /", f":28 {DASHBOARD}.health[0]", "health:\n- {streamlit: /}"),
    Other("http: /health/", "tcp: 1", f":17 {API}.health[0]", "health:\n- tcp\n- {websocket: /ws/prices}"),
    Other("http: /health/", "http: {statuss: 204, path: /}", f":17 {API}.health[0].http.statuss", "status: 204"),
    Other("    exchange:", "    agent:", ":40 crossfade:companions.agent", "rename the companion agent"),
    Other("    exchange:", "    envoy:", ":40 crossfade:companions.envoy", "rename the companion envoy"),
    Other("      kind: http\n", "", f":9 {API}.kind", "kind: http"),
    Other("      port: $api\n", "", f":9 {API}.port", "port: $spare"),
    Other("target: local", "target: cloud", ":3 crossfade:target", "crossfade:target: local"),
    Other("crossfade:start", "crossfade:strt", ":4 crossfade:strt", "crossfade:start: blue"),
    Other("      kind: http\n", "      kind: http\n      x: 1\n", f":11 {API}.x", "take x out"),
    Other("source: examples/trading", "source: examples/tradin", f":11 {API}.source", "source: examples/trading"),
    Other("steps: [10, 50, 100]", "steps: [10, 0, 100]", ":48 crossfade:plan.steps[1]", "steps: [5, 25, 50, 100]"),
    Other("limit: 2m", "limit: 10s", ":52 crossfade:plan.limit", "limit: 30s"),
    Other("runtime: py312", 'runtime: "3.12"', ":7 crossfade:slots.green.runtime", "runtime: py312"),
    Other(LOCK, LOCK.replace("runtime", "python"), f":12 {API}.lock", LOCK.replace(" e", " 'e") + "'"),
    Other("command: python -m trading.api", "command: python 'x", f":13 {API}.command", "command: python -m service"),
    Other("heartbeat: 5s", "command: x", f":36 {AGENT}.health", "health:\n- {command: x}\n- {heartbeat: 5s}"),
    Other("heartbeat: 5s", "heartbeat: 5s\n        - tcp", f":29 {AGENT}.port", "port: $spare"),
    Other(TRAFFIC, "      agent: {rate: 1}", ":55 crossfade:plan.traffic.agent", "take agent out"),
    Other(TRAFFIC, "      appi: {rate: 1}", ":55 crossfade:plan.traffic.appi", "call it api, or take it out"),
]


@pytest.mark.parametrize("other", OTHERS, ids=lambda each: f"{each.where.split('.')[-1]}-{each.new.strip()[:12]}")
def test_every_other_fault(other: Other, whole: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """Whatever else is broken is told with its line, its key and what to do, and lines that are given mend it."""
    whole.change(whole.told(other.old), whole.told(other.new))
    assert main(["--stack", "staging", "--project", str(whole.folder), "--json"]) == 2
    fault = json.loads(capsys.readouterr().out)["faults"][0]

    assert fault["where"] == f"Pulumi.staging.yaml{other.where}"
    assert fault["hint"] == whole.told(other.hint)
    if ": " in other.hint or ":\n" in other.hint:
        whole.paste(fault["where"], fault["hint"])
        assert _checked(whole, capsys) == (0, "")


def test_all_faults_are_told_at_once(whole: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """Faults between settings and faults of this machine come together, each with its own line."""
    whole.change("after: [api]", "after: [apy]")
    whole.change("steps: [10, 50, 100]", "steps: [10, 50]")
    whole.change("source: examples/trading", "source: nowhere")
    whole.change(whole.told("port: $dashboard"), whole.told("port: $api"))
    code, err = _checked(whole, capsys)

    assert code == 2
    assert [line.split(" ")[-1] for line in err.splitlines() if line.startswith("  where:")] == [
        "crossfade:services.dashboard.after[0]",
        "crossfade:services.dashboard.port",
        "crossfade:plan.steps",
        "crossfade:services.api.source",
    ]


def test_all_wrong_values_are_told_at_once(whole: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """Values that are wrong by themselves come together, with keys that are there twice."""
    whole.change("bake: 5s", "bake: soon\n    bake: later")
    whole.change(whole.told("port: $api"), "port: many")
    whole.change("target: local", "target: cloud")
    code, err = _checked(whole, capsys)

    assert code == 2
    assert [line.split(" ")[-1] for line in err.splitlines() if line.startswith("  where:")] == [
        "crossfade:plan.bake",
        "crossfade:target",
        "crossfade:services.api.port",
        "crossfade:plan.bake",
    ]


def test_the_examples_are_a_whole_configuration(whole: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """What is proposed for an empty file, pasted, leaves nothing to say but that its folder is not there yet."""
    whole.file.write_text("config:\n  other:key: 1\n")
    assert main(["--stack", "staging", "--project", str(whole.folder), "--json"]) == 2
    faults = json.loads(capsys.readouterr().out)["faults"]
    hints = "\n".join(fault["hint"] for fault in faults).replace("\n", "\n  ")
    whole.file.write_text(f"config:\n  {hints}\n".replace("8080", str(whole.ports["api"])))

    assert [fault["what"] for fault in faults] == ["target is missing", "slots is missing", "services is missing"]
    (whole.folder / "services" / "api" / "locks").mkdir(parents=True)
    for runtime in ("py39", "py312"):
        (whole.folder / "services" / "api" / "locks" / f"{runtime}.txt").touch()
    assert _checked(whole, capsys) == (0, "")
