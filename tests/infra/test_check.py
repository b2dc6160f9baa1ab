"""What a person is told of broken settings, word for word; and that pasting what is told mends them."""

import json
import socket
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from infra.check import main
from smoke.plan import Plan
from tests.infra.config.project import ROOT, Project, project

STATE = "nothing was changed; users see what they saw before"


@dataclass(frozen=True, slots=True)
class Broken:
    """One thing that is broken, what is said of it, and which lines of the hint are to paste (none: it is a command)."""

    name: str
    old: str
    new: str
    text: str
    lines: slice | None = field(default_factory=lambda: slice(None))  # 3.11 takes no slice for a default


TWELVE = [
    Broken(
        "unknown key",
        "port: $api",
        "prot: $api",
        """\
error: there is no setting prot
  where: Pulumi.staging.yaml:14 crossfade:services.api.prot
  cause: known here are affinity, after, autoscale, command, cpus, dockerfile, env, gates, health, hosts, image, kind, listen, \
listener, lock, manifests, memory, metrics, port, replicas, source, url; \
did you mean port?
  hint:  port: $api
  state: nothing was changed; users see what they saw before
""",
    ),
    Broken(
        "wrong type",
        "port: $dashboard",
        'port: "$dashboard"',
        """\
error: port is wrong: '$dashboard'
  where: Pulumi.staging.yaml:24 crossfade:services.dashboard.port
  cause: it should be a whole number
  hint:  port: $dashboard
  state: nothing was changed; users see what they saw before
""",
    ),
    Broken(
        "unknown runtime",
        "green: {runtime: py312}",
        "green: {runtime: py399}",
        """\
error: runtime py399 is not on this machine
  where: Pulumi.staging.yaml:7 crossfade:slots.green.runtime
  cause: there is no Python 3.99 here; found: $found
  hint:  uv python install 3.99
         or: pyenv install 3.99
         or take one that is here:
         runtime: $newest
  state: nothing was changed; users see what they saw before
""",
        None,
    ),
    Broken(
        "missing lock",
        "lock: examples/trading/locks/dashboard-{runtime}.txt",
        "lock: examples/trading/locks/dashbord-{runtime}.txt",
        """\
error: there is no lock for py312
  where: Pulumi.staging.yaml:22 crossfade:services.dashboard.lock
  cause: $folder/examples/trading/locks/dashbord-py312.txt is not there
  hint:  lock: 'examples/trading/locks/dashboard-{runtime}.txt'
         or: uv pip compile --generate-hashes --python-version 3.12 requirements.in -o examples/trading/locks/dashbord-py312.txt
  state: nothing was changed; users see what they saw before

error: there is no lock for py39
  where: Pulumi.staging.yaml:22 crossfade:services.dashboard.lock
  cause: $folder/examples/trading/locks/dashbord-py39.txt is not there
  hint:  lock: 'examples/trading/locks/dashboard-{runtime}.txt'
         or: uv pip compile --generate-hashes --python-version 3.9 requirements.in -o examples/trading/locks/dashbord-py39.txt
  state: nothing was changed; users see what they saw before
""",
        slice(1),
    ),
    Broken(
        "port taken",
        "port: $api",
        "port: $api  # somebody listens on it",
        """\
error: port $api is taken
  where: Pulumi.staging.yaml:14 crossfade:services.api.port
  cause: $me (process $pid) listens there
  hint:  end it, or take another port:
         port: $spare
  state: nothing was changed; users see what they saw before
""",
        slice(1, None),
    ),
    Broken(
        "steps that shrink",
        "steps: [10, 50, 100]",
        "steps: [50, {share: 10, bake: 1s}, 100]",
        """\
error: a step goes from 50 to 10 %
  where: Pulumi.staging.yaml:48 crossfade:plan.steps[1]
  cause: each step gives the candidate more than the one before
  hint:  steps:
         - {share: 10, bake: 1s}
         - 50
         - 100
  state: nothing was changed; users see what they saw before
""",
    ),
    Broken(
        "no 100 % step",
        "steps: [10, 50, 100]",
        "steps: [10, 50]",
        """\
error: the last step is 50 %
  where: Pulumi.staging.yaml:48 crossfade:plan.steps
  cause: a rollout that never gives the candidate all the traffic never ends
  hint:  steps: [10, 50, 100]
  state: nothing was changed; users see what they saw before
""",
    ),
    Broken(
        "two services on one port",
        "port: $dashboard",
        "port: $api",
        """\
error: dashboard wants port $api too
  where: Pulumi.staging.yaml:24 crossfade:services.dashboard.port
  cause: api listens on $api already
  hint:  port: $spare
  state: nothing was changed; users see what they saw before
""",
    ),
    Broken(
        "bad path",
        "http: /health/",
        "http: health/",
        """\
error: http is wrong: 'health/'
  where: Pulumi.staging.yaml:17 crossfade:services.api.health[0].http
  cause: a path begins with / and has no spaces
  hint:  http: /health/
  state: nothing was changed; users see what they saw before
""",
    ),
    Broken(
        "unknown service in after",
        "after: [api]",
        "after: [apy]",
        """\
error: there is no service apy
  where: Pulumi.staging.yaml:25 crossfade:services.dashboard.after[0]
  cause: the services are api, dashboard, agent
  hint:  after: [api]
  state: nothing was changed; users see what they saw before
""",
    ),
    Broken(
        "cycle",
        "port: $api",
        "port: $api\n      after: [dashboard]",
        """\
error: services wait for each other: api after dashboard after api
  where: Pulumi.staging.yaml:15 crossfade:services.api.after
  cause: each would wait for the other to have its traffic first
  hint:  after: []
  state: nothing was changed; users see what they saw before
""",
    ),
    Broken(
        "no health check",
        "      health:\n        - streamlit: /\n",
        "",
        """\
error: dashboard has no health check
  where: Pulumi.staging.yaml:19 crossfade:services.dashboard.health
  cause: without one nobody can see whether it is well, and no data is never a pass
  hint:  health:
         - {http: /health/}
  state: nothing was changed; users see what they saw before
""",
    ),
]


@pytest.fixture
def whole(tmp_path: Path) -> Project:
    """Whole settings in a folder of the test's own."""
    return project(tmp_path)


@pytest.fixture
def taken(whole: Project) -> Iterator[socket.socket]:
    """Somebody listens on the port of the api."""
    with socket.create_server(("127.0.0.1", whole.ports["api"])) as listening:
        yield listening


def test_whole_settings_are_whole(tmp_path: Path) -> None:
    """The settings of this repository have no fault: exit code 0, no word, nothing written."""
    real = project(tmp_path, ROOT / "Pulumi.staging.yaml")
    before = real.seen()
    said = real.check()

    assert (said.code, said.out, said.err) == (0, "", "")
    assert real.seen() == before


@pytest.mark.parametrize("broken", TWELVE, ids=lambda each: each.name)
def test_a_fault_is_told_word_for_word(
    broken: Broken, whole: Project, request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each is told as a document: exit code 2, where, why, what to paste; nothing is written, and the paste mends it."""
    if broken.name == "port taken":
        request.getfixturevalue("taken")
    whole.change(whole.told(broken.old), whole.told(broken.new))
    before, asked = whole.seen(), ["--stack", "staging", "--project", str(whole.folder)]
    said = whole.check()

    assert (said.code, said.out) == (2, "")
    assert said.err == whole.told(broken.text)
    assert whole.seen() == before
    assert main([*asked, "--json"]) == 2
    document = json.loads(capsys.readouterr().out)
    assert list(document) == ["format", "well", "faults", "state"]
    assert (document["format"], document["well"], document["state"]) == (1, False, STATE)
    assert "\n\n".join(_text(fault) for fault in document["faults"]) + "\n" == said.err
    if broken.lines is not None:
        fault = document["faults"][0]
        whole.paste(fault["where"], "\n".join(fault["hint"].split("\n")[broken.lines]))
        assert main(asked) == 0


def _text(fault: dict[str, str]) -> str:
    """A fault of the JSON form as a person is told it."""
    lines = [f"error: {fault['what']}"]
    for name in ("where", "cause", "hint", "state"):
        first, *rest = fault[name].split("\n")
        lines += [f"  {name + ':':<7}{first}", *(f"         {each}" for each in rest)]
    return "\n".join(lines)


def test_a_stack_that_is_not_there(whole: Project) -> None:
    """A stack without a settings file is exit code 6, in both forms, with the stacks that there are."""
    text, document = whole.check(stack="prod"), whole.check("--json", stack="prod")

    assert (text.code, document.code) == (6, 6)
    assert (
        text.err
        == f"""\
error: there is no stack prod
  where: Pulumi.prod.yaml
  cause: {whole.folder}/Pulumi.prod.yaml is not there
  hint:  take one of: staging
  state: {STATE}
"""
    )
    assert json.loads(document.out)["faults"][0]["hint"] == "take one of: staging"


def test_whole_settings_as_json(whole: Project) -> None:
    """The JSON form of whole settings says so, begins with its format, and has what they ask for: by slot, and as a plan."""
    said = whole.check("--json")
    found = json.loads(said.out)
    releases, plan, checks = (found.pop(name) for name in ("releases", "plan", "checks"))

    assert (checks, found.pop("start")) == ({"gates": {}, "waivers": [], "requires": [], "skips": {}}, "blue")
    assert found.pop("notify") == {}
    shape = found.pop("shape")
    assert (shape["target"], shape["slots"]) == ("local", {"blue": "py39", "green": "py312"})
    assert shape["services"]["dashboard"] == {
        "source": "examples/trading",
        "lock": "examples/trading/locks/dashboard-{runtime}.txt",
    }

    assert (said.code, said.err) == (0, "")
    assert list(found.items()) == [("format", 1), ("well", True), ("faults", []), ("state", STATE)]
    assert sorted(releases) == ["blue", "green"]
    assert releases["blue"] != releases["green"]
    assert [(step["share"], step["singletons"]) for step in plan["steps"]] == [
        (10, False),
        (50, False),
        (100, False),
        (100, True),
    ]
    assert Plan.from_json(plan).to_json() == plan
