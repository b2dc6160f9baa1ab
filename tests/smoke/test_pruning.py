"""What of a stack's folder nothing needs any more, and that nothing else is taken for it."""

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from simulation import OPENED

from infra.contract import Contract, Placement, Service
from infra.targets.local.home import Home, write_whole
from smoke.errors import CrossfadeError
from smoke.pruning import Outdated, needed, outdated, remove
from smoke.rollout import Rollout, replay
from smoke.rollout.opening import History


def digest(letter: str) -> str:
    """A digest of one letter."""
    return f"sha256:{letter * 64}"


def lock(letter: str) -> str:
    """The digest of a lock of that letter."""
    return f"sha256:{f'0{letter}' * 32}"


def inputs(letter: str, runtime: str = "py312") -> Mapping[str, Any]:
    """Inputs of a service that is made of that letter."""
    return {"kind": "http", "runtime": runtime, "source": digest(letter), "lock": lock(letter)}


def contract(**slots: Mapping[str, Any]) -> Contract:
    """A stack with one service, which was placed with these inputs."""
    placements = {slot: placement(slot, given) for slot, given in slots.items()}
    service = Service("api", "http", (), placements, (), None, None, None, None)
    return Contract("staging", "local", "blue", "once", (service,), {}, {}, dict.fromkeys(slots, "r"))


def placement(slot: str, given: Mapping[str, Any]) -> Placement:
    """The service in a slot."""
    version = f"py312-{'0' * 12}"
    return Placement("api", slot, "py312", digest("0"), version, None, None, "python", "/", {}, given)


def rollout(back: Mapping[str, Any], **slots: Mapping[str, Any]) -> Rollout:
    """A rollout that began when these inputs were placed, and goes back to others."""
    opened = replace(OPENED, inputs={slot: {"api": given} for slot, given in slots.items()}, back=back)
    told = replay([opened])
    assert told is not None
    return told


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """The folder of a stack that has seven versions of everything, and one that somebody is making."""
    home = Home(tmp_path / ".crossfade" / "staging")
    for letter in "abcdefg":
        write_whole(home.source(digest(letter)) / "deep" / "app.py", "x" * 5000)
        write_whole(home.environment("py312", lock(letter)) / "complete", "x")
        write_whole(home.lock(lock(letter)), "x")
    write_whole(home.folder / "sources" / ".1234.99.new" / "app.py", "x")
    return home


def found(home: Home, deployed: Contract, *rollouts: Rollout) -> list[Outdated]:
    """What is outdated."""
    return outdated(home.folder, deployed, needed(deployed, History(rollouts)))


def letters(things: list[Outdated], kind: str = "source") -> str:
    """Which versions are outdated, by the letter that they are made of."""
    return "".join(Path(each.name).stem[-1] for each in things if each.kind == kind)


@pytest.mark.parametrize("kind", ["source", "environment", "lock"])
def test_what_nothing_needs(home: Home, kind: str) -> None:
    """What is placed in either slot is needed, and so is what a rollout began with and what it goes back to; the rest is not."""
    told = rollout({"api": inputs("c")}, blue=inputs("d"), green=inputs("e"))

    things = found(home, contract(blue=inputs("a"), green=inputs("b")), told)

    assert letters(things, kind) == "fg"


def test_an_environment_is_one_of_a_runtime(home: Home) -> None:
    """The same lock on another runtime is another environment; the lock is needed by both."""
    write_whole(home.environment("py39", lock("a")) / "complete", "x")

    things = found(home, contract(blue=inputs("a", "py39")))

    assert home.environment("py312", lock("a")) in {Path(each.name) for each in things}
    assert home.environment("py39", lock("a")) not in {Path(each.name) for each in things}
    assert "a" not in letters(things, "lock")


@pytest.mark.parametrize("where", ["programs/exchange.json", "programs/envoy.conf", "supervisord.conf"])
def test_what_a_program_is_started_by(home: Home, where: str) -> None:
    """What a companion, or the proxy, is started by is needed, though no slot has it."""
    python = home.environment("py312", lock("f")) / "bin" / "python"
    write_whole(home.folder / where, f"command={python} {home.source(digest('g'))}")

    things = found(home, contract(blue=inputs("a")))

    assert letters(things) == "bcdef"
    assert letters(things, "environment") == "bcdeg"
    assert letters(things, "lock") == "bcdeg"


def test_what_somebody_is_making(home: Home) -> None:
    """What is not whole yet is never outdated."""
    assert all(".new" not in each.name for each in found(home, contract(blue=inputs("a"))))


def test_how_much_it_is(home: Home) -> None:
    """A folder's size is what it takes on the disk; what it shares with another takes nothing."""
    place = home.source(digest("b"))
    alone = next(each.size for each in found(home, contract(blue=inputs("a"))) if each.name == str(place))
    os.link(place / "deep" / "app.py", home.folder / "shared")
    shared = next(each.size for each in found(home, contract(blue=inputs("a"))) if each.name == str(place))

    assert alone - shared == (place / "deep" / "app.py").stat().st_blocks * 512
    assert alone > 5000


def test_it_is_removed(home: Home) -> None:
    """What is outdated goes, and nothing else does; afterwards nothing is."""
    deployed = contract(blue=inputs("a"), green=inputs("b"))
    for each in found(home, deployed):
        remove(each)

    left = sorted(str(each.relative_to(home.folder)) for each in home.folder.rglob("*") if each.is_file())
    assert left == [
        *(f"environments/py312-{f'0{letter}' * 8}/complete" for letter in "ab"),
        *(f"locks/{f'0{letter}' * 8}.txt" for letter in "ab"),
        "sources/.1234.99.new/app.py",
        *(f"sources/{letter * 16}/deep/app.py" for letter in "ab"),
    ]
    assert found(home, deployed) == []


def test_half_removed(home: Home) -> None:
    """What was being removed when the machine went down is under no name that anybody looks for, and is outdated still."""
    place = home.source(digest("a"))
    place.rename(place.with_name(f".{place.name}.gone"))
    deployed = contract(blue=inputs("b"))
    [half] = [each for each in found(home, deployed) if each.name.endswith(".gone")]

    remove(half)

    assert not Path(half.name).exists()


def test_it_cannot_be_removed(home: Home) -> None:
    """What is in the way is told, with where to look."""
    gone = Outdated("source", str(home.folder / "sources" / "x"), 0)
    (home.folder / "sources" / ".x.gone" / "deep").mkdir(parents=True)
    (home.folder / "sources" / "x").mkdir()

    with pytest.raises(CrossfadeError, match="cannot be removed") as caught:
        remove(gone)

    assert caught.value.hint == f"ls -la {home.folder / 'sources'}"


def test_it_is_gone_already(home: Home) -> None:
    """A lock that somebody else removed is removed."""
    remove(Outdated("lock", str(home.folder / "locks" / "none.txt"), 0))


def test_a_stack_without_a_folder(tmp_path: Path) -> None:
    """Where there is nothing, nothing is outdated."""
    assert outdated(tmp_path / "none", contract(blue=inputs("a")), [inputs("a")]) == []
