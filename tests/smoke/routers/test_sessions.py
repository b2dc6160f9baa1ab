"""What holds for sessions and for pairs, for every router in the table that moves real requests."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from tests.smoke.routers.conftest import Front
from tests.smoke.routers.visitors import Answer, pair, session

SLOTS = ("blue", "green")
shares = some.sampled_from([0, 1, 10, 50, 99, 100])
keeps = some.sets(some.sampled_from(SLOTS))


@dataclass
class Model:
    """What a router should do, and the browsers that were at its door."""

    front: Front
    weights: Mapping[str, int] = field(default_factory=dict)
    keep: Collection[str] = ()
    browsers: list[str] = field(default_factory=list)
    """The slot whose cookie each has."""

    def write(self, share: int, keep: Collection[str]) -> None:
        """Move the weights."""
        self.weights, self.keep = {"blue": 100 - share, "green": share}, keep
        self.front.router.write(self.weights, keep)

    @property
    def weighted(self) -> set[str]:
        """Slots that a new request may reach."""
        return {slot for slot, weight in self.weights.items() if weight}

    @property
    def named(self) -> set[str]:
        """Slots that a request reaches by name."""
        return self.weighted | set(self.keep)

    def come(self, count: int) -> None:
        """New browsers come: each gets the cookie of the slot that answered."""
        answers = self.front.door.many([()] * count)
        assert {each.slot for each in answers} <= self.weighted
        assert [each.slot for each in answers] == [each.cookie for each in answers]
        self.browsers += [each.slot for each in answers]

    def go_on(self) -> None:
        """Every browser asks again: it stays where its slot is reached by name, and is a new one where not."""
        headers = [[session(self.front.service, slot)] for slot in self.browsers]
        for index, (slot, answer) in enumerate(zip(self.browsers, self.front.door.many(headers), strict=True)):
            if slot in self.named:
                assert (answer.slot, answer.cookie) == (slot, None)
            else:
                assert answer.slot in self.weighted
                assert answer.cookie == answer.slot
                self.browsers[index] = answer.slot

    def call(self) -> None:
        """A process of each slot asks: it reaches its own slot, or whichever."""
        for slot in SLOTS:
            answer = self.front.door.ask(pair(slot))
            assert answer.slot in ({slot} if slot in self.named else self.weighted)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(moves=some.lists(some.tuples(shares, keeps), min_size=1, max_size=6))
def test_nobody_changes_sides(any_front: Front, moves: list[tuple[int, set[str]]]) -> None:
    """Whatever is written, browsers and callers stay on the slot they name until it has no weight and is not kept."""
    model = Model(any_front)
    for share, keep in moves:
        model.write(share, keep)
        model.go_on()
        model.come(5)
        model.go_on()
        model.call()


@pytest.mark.parametrize("share", [5, 25, 50])
def test_new_sessions_are_split_while_old_ones_go_on(any_front: Front, share: int) -> None:
    """The weights hold for new sessions and, while these pile up, for the requests of all: nothing drains to one side."""
    any_front.router.write({"blue": 100 - share, "green": share})
    sessions: list[str] = []
    old: list[Answer] = []
    for _ in range(4):
        headers = [[session(any_front.service, slot)] for slot in sessions]
        new = any_front.door.many([()] * 2500)
        old = any_front.door.many(headers)
        sessions += [str(each.cookie) for each in new]

    assert _share([each.slot for each in [*new, *old]]) == pytest.approx(share, abs=2)
    assert _share(sessions) == pytest.approx(share, abs=2)
    assert [each.slot for each in old] == sessions[: len(old)]


def _share(slots: list[str]) -> float:
    return 100 * slots.count("green") / len(slots)


def test_the_last_step_leaves_sessions_where_they_are(any_front: Front) -> None:
    """With all weight on the candidate and the live slot kept, sessions end where they are and new ones are the candidate's."""
    any_front.router.write({"blue": 0, "green": 100}, keep={"blue"})

    assert any_front.door.ask(session(any_front.service, "blue")).slot == "blue"
    assert any_front.door.ask().cookie == "green"


def test_an_abort_takes_sessions_and_callers_back(any_front: Front) -> None:
    """Nobody reaches a slot without weight that is not kept: its sessions get the other's cookie, its callers the other."""
    any_front.router.write({"blue": 50, "green": 50})
    any_front.router.write({"blue": 100, "green": 0})
    browser, caller = any_front.door.ask(session(any_front.service, "green")), any_front.door.ask(pair("green"))

    assert (browser.slot, browser.cookie) == ("blue", "blue")
    assert caller.slot == "blue"
