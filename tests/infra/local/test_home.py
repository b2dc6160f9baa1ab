"""What the folder of a stack says: what is placed, and which slots may not be touched."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from infra.contract import route_document
from infra.release import Standing
from infra.targets.local.home import Home, home_of, program_name, read_json, short, write_whole

BOTH = frozenset({"blue", "green"})


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A folder that nothing lies in."""
    return home_of(tmp_path, "staging")


def routed(home: Home, service: str, blue: int) -> None:
    """Write the route of a service."""
    weights = {"blue": blue, "green": 100 - blue}
    write_whole(home.route(service), json.dumps(route_document(service, weights, version="1", sticky=True)))


def fenced(home: Home, service: str, fence: object) -> None:
    """Write the fence of a singleton."""
    write_whole(home.fence(service) / "fence.json", json.dumps(fence))


def test_nothing_is_there(home: Home) -> None:
    """A stack that was never brought up holds nothing, is busy nowhere, and was begun by no slot."""
    assert home.standing() == Standing({}, frozenset(), None, None)


def test_what_is_placed_is_read_from_what_was_started(home: Home) -> None:
    """Programs of slots say what they were placed by; companions, foreign and torn files say nothing."""
    for name, record in {
        "api--blue": {"argv": [], "inputs": {"port": 1}},
        "big-api--green": {"inputs": {"port": 2}},
        "exchange": {"argv": []},
        "odd--blue": {"argv": []},
    }.items():
        write_whole(home.program(name), json.dumps(record))
    write_whole(home.program("torn--green"), '{"inputs": {')
    write_whole(home.birth, json.dumps({"born": "now", "start": "green"}))
    standing = home.standing()

    assert standing.placed == {"blue": {"api": {"port": 1}}, "green": {"big-api": {"port": 2}}}
    assert standing.start == "green"


@given(some.lists(some.integers(0, 100), min_size=1, max_size=3))
def test_a_slot_with_any_weight_is_busy(tmp_path_factory: pytest.TempPathFactory, shares: list[int]) -> None:
    """A slot is busy as soon as one service gives it one percent; the one with the most traffic is serving."""
    home = home_of(tmp_path_factory.mktemp("home"), "staging")
    for index, share in enumerate(shares):
        routed(home, f"s{index}", share)
    standing, blue = home.standing(), sum(shares)
    green = 100 * len(shares) - blue

    assert standing.busy == {slot for slot, weight in (("blue", blue), ("green", green)) if weight}
    assert standing.serving == ("green" if green > blue else "blue")


def test_a_slot_with_a_singleton_at_work_is_busy(home: Home) -> None:
    """Work counts as traffic; a fence that nobody holds does not."""
    routed(home, "api", 100)
    fenced(home, "agent", {"holder": "green", "token": 3})
    fenced(home, "other", {"holder": None, "token": 4})
    assert home.standing().busy == BOTH
    fenced(home, "agent", {"holder": None, "token": 5})
    assert home.standing().busy == {"blue"}


@pytest.mark.parametrize("text", ["", "{", "[]", '"text"', "null", '{"resources": []}', '{"resources": [{"virtual_hosts": []}]}'])
def test_a_route_that_says_nothing_makes_both_busy(home: Home, text: str) -> None:
    """Where nobody can say who has traffic, nothing may be touched, whatever the other routes say."""
    routed(home, "api", 100)
    write_whole(home.route("torn"), text)
    standing = home.standing()

    assert standing.busy == BOTH
    assert standing.serving is None


@pytest.mark.parametrize("fence", [[], "text", None, {"token": 1}], ids=str)
def test_a_fence_that_says_nothing_makes_both_busy(home: Home, fence: Any) -> None:  # noqa: ANN401 - whatever is in there
    """Where nobody can say who works, nothing may be touched."""
    routed(home, "api", 100)
    fenced(home, "agent", fence)
    assert home.standing().busy == BOTH


def test_drafts_are_no_routes(home: Home) -> None:
    """A file that a writer left half done beside the routes is not one of them."""
    routed(home, "api", 100)
    (home.folder / "routes" / ".api.json.1.new").write_text("{")
    (home.folder / "routes" / ".api.json").write_text("{")
    assert home.standing().busy == {"blue"}


def test_everything_lies_in_one_folder(tmp_path: Path) -> None:
    """Every path is inside the stack's folder, and stacks do not share one."""
    home, other = home_of(tmp_path, "staging"), home_of(tmp_path, "prod")
    digest = f"sha256:{'a' * 64}"
    paths = [
        home.supervisor,
        home.admin,
        home.birth,
        home.source(digest),
        home.lock(digest),
        home.environment("py312", digest),
        home.program("api--blue"),
        home.unit("api--blue"),
        home.log("api--blue"),
        home.data("api"),
        home.heartbeat("api", "blue"),
        home.route("api"),
        home.fence("agent"),
    ]

    assert len(set(paths)) == len(paths)
    assert all(path.is_relative_to(home.folder) for path in paths)
    assert not home.folder.is_relative_to(other.folder)
    assert max(map(len, map(str, paths[:2]))) == len(str(home.supervisor))


def test_names() -> None:
    """A program of a slot carries the slot; a digest's short form is the same with and without its kind."""
    assert (program_name("api", "blue"), program_name("exchange", None)) == ("api--blue", "exchange")
    assert short(f"sha256:{'ab' * 32}") == short("ab" * 32) == "ab" * 8


@given(some.text())
def test_a_file_is_replaced_as_a_whole(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    """What was written is there, nothing else lies beside it, and its folder is made."""
    file = tmp_path_factory.mktemp("home") / "new" / "file.json"
    write_whole(file, "before")
    write_whole(file, json.dumps(text))

    assert read_json(file) == text
    assert [each.name for each in file.parent.iterdir()] == ["file.json"]


def test_what_is_no_json_is_nothing(tmp_path: Path) -> None:
    """A file that is not there, a folder, and bytes that are no text hold nothing."""
    (tmp_path / "bytes").write_bytes(b"\xff\x00")
    assert [read_json(tmp_path / name) for name in ("gone", "bytes", ".")] == [None, None, None]
