"""What holds for ``crossfade prune`` as a program, on a stack of processes."""

import json
from dataclasses import replace
from typing import Any

import pytest
from simulation import OPENED

from infra.targets.local.home import Home, home_of, write_whole
from smoke.cli.prune import lines, pushed
from smoke.errors import Exit
from smoke.pruning import Outdated
from smoke.rollout import Opened, Phase
from tests.smoke.cli.program import documents
from tests.smoke.cli.shop import SLOW, Shop

pytestmark = pytest.mark.processes


def digest(letter: str) -> str:
    """A digest of one letter."""
    return f"sha256:{letter * 64}"


def home(shop: Shop) -> Home:
    """The stack's folder, where blue runs source and lock ``a``, and ``b`` was left behind."""
    for letter in "ab":
        write_whole(home_of(shop.folder, "staging").source(digest(letter)) / "app.py", "x" * 5000)
        write_whole(home_of(shop.folder, "staging").lock(digest(letter)), "x")
    inputs = {"runtime": "py312", "source": digest("a"), "lock": digest("a")}

    def place(contract: Any) -> None:  # noqa: ANN401 - a JSON document
        for placement in contract["services"][0]["placements"].values():
            placement["inputs"] = inputs

    shop._deployed(place)  # noqa: SLF001 - a part of the contract that no other test changes
    return home_of(shop.folder, "staging")


def left(place: Home) -> list[str]:
    """What is there."""
    return sorted(str(each.relative_to(place.folder)) for each in place.folder.glob("*/*"))


BOTH = [f"locks/{'a' * 16}.txt", f"locks/{'b' * 16}.txt", f"sources/{'a' * 16}", f"sources/{'b' * 16}"]


def test_it_is_only_shown(shop: Shop) -> None:
    """Without --yes everything is named with what it takes, and stays."""
    place = home(shop)

    done = shop.crossfade("prune")

    assert done.returncode == Exit.WANTED, done.stderr
    assert [line.split()[0] for line in done.stdout.splitlines()] == ["source", "lock", "2"]
    assert str(place.source(digest("b"))) in done.stdout
    assert done.stdout.splitlines()[-1].endswith("crossfade prune --yes removes them")
    assert left(place) == BOTH


def test_it_is_removed(shop: Shop) -> None:
    """With --yes it goes, and a second time there is nothing to do."""
    place = home(shop)

    first, second = shop.crossfade("prune", "--yes", "--json"), shop.crossfade("prune", "--yes")

    [document] = documents(first.stdout)
    assert first.stdout.startswith('{"format": 1, ')
    assert [each["kind"] for each in document["outdated"]] == ["source", "lock"]
    assert document["bytes"] == sum(each["bytes"] for each in document["outdated"])
    assert (document["removed"], document["failed"]) == (True, [])
    assert second.stdout == "nothing is outdated\n"
    assert left(place) == BOTH[::2]


def test_nobody_may_be_driving(shop: Shop) -> None:
    """While a rollout runs, what it might need is not removed: whoever asks is told to wait."""
    place = home(shop)
    shop.declare(plan=SLOW)
    shop.begin("promote")
    shop.until(lambda rollout: rollout.phase is Phase.BAKING)

    done = shop.crossfade("prune", "--yes")

    assert done.returncode == Exit.LOCKED, done.stderr
    assert left(place) == BOTH


def test_no_pulumi_may_be_at_work(shop: Shop) -> None:
    """While Pulumi holds the stack, nothing is removed, and its owner is named."""
    place = home(shop)
    locks = shop.folder / ".state" / ".pulumi" / "locks" / "organization" / "shop" / "staging"
    locks.mkdir(parents=True)
    (locks / "1.json").write_text(
        json.dumps({"username": "ann", "hostname": "elsewhere", "pid": 7, "timestamp": "2026-01-01T00:00:00Z"})
    )

    done = shop.crossfade("prune", "--yes")

    assert done.returncode == Exit.LOCKED, done.stderr
    assert "ann@elsewhere, process 7" in done.stderr
    assert left(place) == BOTH


def test_what_a_rollout_goes_back_to(shop: Shop) -> None:
    """What was live before stays, as long as it is the way back."""
    place = home(shop)
    back = {"runtime": "py312", "source": digest("b"), "lock": digest("b")}
    shop.write(opened(back), rollout="0001-g")

    assert shop.crossfade("prune").stdout == "nothing is outdated\n"
    assert left(place) == BOTH


def opened(back: Any) -> Opened:  # noqa: ANN401 - inputs
    """A rollout that goes back to that."""
    return replace(OPENED, rollout="0001-g", born="once", back={"api": back})


def test_what_people_read() -> None:
    """An image is shown by its names, anything else by its path; sizes are in units that people use."""
    found = [Outdated("image", "sha256:1", 173_000_000, ("crossfade/a:1", "crossfade/a:py39")), Outdated("lock", "/x", 999)]

    assert [*lines(found, removed=False)] == [
        "image         173.0 MB  crossfade/a:1, crossfade/a:py39",
        "lock             999 B  /x",
        "2 outdated: 173.0 MB at most; crossfade prune --yes removes them",
    ]
    assert [*lines(found, removed=True)][-1] == "2 removed: 173.0 MB at most"


def test_what_a_registry_keeps() -> None:
    """No registry is told to remove anything: the command that does is."""
    host, command = "123456789012.dkr.ecr.eu-west-1.amazonaws.com", "aws ecr batch-delete-image"
    tags = ("crossfade/a:1", "registry.example.com:5000/crossfade/a:1", f"{host}/crossfade/a:1")

    assert [*pushed([Outdated("image", "sha256:1", 1, tags)])] == [
        "registry.example.com:5000 keeps it: regctl tag delete registry.example.com:5000/crossfade/a:1",
        f"{host} keeps it: {command} --repository-name crossfade/a --image-ids imageTag=1",
    ]


def test_what_is_in_the_way(shop: Shop) -> None:
    """What cannot be removed is told with an exit code of its own, and all else is removed."""
    place = home(shop)
    long = place.folder / "sources" / ("x" * 252)  # with anything added, it is no name of a file any more
    long.mkdir()

    done = shop.crossfade("prune", "--yes", "--json")

    [document] = documents(done.stdout)
    assert done.returncode == Exit.DEPLOYMENT
    assert [each["kind"] for each in document["outdated"]] == ["source", "lock"]
    assert len(document["failed"]) == 1
    assert "cannot be removed" in done.stderr
    assert left(place) == [*BOTH[::2], f"sources/{long.name}"]
