"""How a program is started: its words, its port, its environment."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from infra.release import version_of
from infra.targets.local.home import Home
from infra.targets.local.placing import argv, artefact, environment, port_of

HOME = Home(Path("/srv/staging"))
LOCK = f"sha256:{'b' * 64}"
INPUTS: Mapping[str, Any] = {
    "kind": "http",
    "runtime": "py312",
    "source": f"sha256:{'a' * 64}",
    "lock": LOCK,
    "command": ["python", "-m", "api", "--bind={host}:{port}", "{port}", "a {brace"],
    "env": {"LEVEL": "info"},
    "port": 8080,
}
BIN = "/srv/staging/environments/py312-bbbbbbbbbbbbbbbb/bin"


@pytest.mark.parametrize(("slot", "port"), [("blue", 18_080), ("green", 28_080), (None, 8080)])
def test_the_words_of_a_command(slot: str | None, port: int) -> None:
    """The program is the environment's own; host and port are filled in; slots listen above the front, a companion on it."""
    assert argv(HOME, INPUTS, slot) == [f"{BIN}/python", "-m", "api", f"--bind=127.0.0.1:{port}", str(port), "a {brace"]
    assert port_of(INPUTS, slot) == port


def test_a_path_is_taken_as_it_is() -> None:
    """A first word with a slash is a path, from the folder of the program, and is not looked for elsewhere."""
    assert argv(HOME, {**INPUTS, "command": ["./run", "x"]}, "blue") == ["./run", "x"]


def test_what_does_not_listen_has_no_port() -> None:
    """Without a port there is none to fill in, and none in the environment."""
    inputs = {name: each for name, each in INPUTS.items() if name != "port"}

    assert argv(HOME, {**inputs, "command": ["x", "{port}"]}, "blue") == [f"{BIN}/x", ""]
    assert port_of(inputs, "blue") is None
    assert "PORT" not in environment(HOME, "agent", "blue", inputs)


def test_the_environment_of_a_slot() -> None:
    """A program is told where to listen, who it is, where it may write and where it beats."""
    assert environment(HOME, "api", "green", INPUTS) == {
        "LEVEL": "info",
        "HOST": "127.0.0.1",
        "PORT": "28080",
        "CROSSFADE_SERVICE": "api",
        "CROSSFADE_SLOT": "green",
        "CROSSFADE_RUNTIME": "py312",
        "CROSSFADE_VERSION": version_of(INPUTS),
        "CROSSFADE_DATA": "/srv/staging/data/api",
        "CROSSFADE_HOME": "/srv/staging",
        "CROSSFADE_HEARTBEAT": "/srv/staging/heartbeats/api--green.json",
    }


def test_a_singleton_is_told_its_fence() -> None:
    """The fence of a singleton is the same in both slots; nothing else has one."""
    fences = [environment(HOME, "agent", slot, {**INPUTS, "kind": "singleton"})["CROSSFADE_FENCE"] for slot in ("blue", "green")]

    assert fences == ["/srv/staging/fences/agent"] * 2
    assert "CROSSFADE_FENCE" not in environment(HOME, "api", "blue", INPUTS)


def test_a_companion_belongs_to_no_slot() -> None:
    """A companion has neither slot nor heartbeat."""
    given_to = environment(HOME, "exchange", None, INPUTS)
    assert not {"CROSSFADE_SLOT", "CROSSFADE_HEARTBEAT"} & set(given_to)
    assert given_to["PORT"] == "8080"


@given(some.dictionaries(some.sampled_from(["HOST", "PORT", "CROSSFADE_VERSION", "A"]), some.text()))
def test_ours_cannot_be_set_from_outside(env: dict[str, str]) -> None:
    """Whatever the settings say, where to listen and who it is are ours to say."""
    found = environment(HOME, "api", "blue", {**INPUTS, "env": env})

    assert (found["HOST"], found["PORT"]) == ("127.0.0.1", "18080")
    assert found["CROSSFADE_VERSION"] == version_of({**INPUTS, "env": env})
    assert found.get("A") == env.get("A")


def test_an_artefact_is_source_and_lock() -> None:
    """Another source or another lock is another artefact; the environment and the command are not in it."""
    same = artefact({**INPUTS, "env": {}, "command": ["x"], "runtime": "py39"})

    assert same == artefact(INPUTS)
    assert len({artefact(INPUTS), artefact({**INPUTS, "lock": "x"}), artefact({**INPUTS, "source": "x"})}) == 3
