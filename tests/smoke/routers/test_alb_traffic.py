"""What holds for requests while a load balancer follows its rule late, or never, or keeps browsers where they were."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pytest
from balancer import COOKIE, Balancer

from smoke.model import Sample
from smoke.seeing import Seeing
from tests.smoke.routers.alb_harness import Shop, refused, shares
from tests.smoke.routers.upstream import Upstream
from tests.smoke.routers.visitors import Door, door

pytestmark = pytest.mark.aws

LIMIT = 10.0
EACH = 3
"""Requests between two looks at the counts."""


@dataclass
class Street:
    """A rule, a load balancer that follows it, and people at its door whenever time passes."""

    shop: Shop
    balancer: Balancer
    door: Door

    def read(self) -> Sample:
        """What a meter counts."""
        return self.balancer.read(self.shop.estate.targets)

    def seeing(self) -> Seeing:
        """The router of the rule, which waits until requests fall as they should."""
        self.shop.clock.on_sleep(lambda _: self.door.many([()] * EACH))
        return Seeing(self.shop.router(), lambda: self, self.shop.clock, LIMIT)

    def visit(self, cookie: str = "") -> tuple[str, str]:
        """The slot that answers somebody with that cookie, and the cookie that he has then."""
        answer = self.door.ask(*([f"cookie: {cookie}"] if cookie else []))
        found = re.search(rf"^set-cookie: ({COOKIE}=[^;]+);", answer.headers, re.MULTILINE)
        return answer.slot, found[1] if found else cookie

    def browser(self, slot: str) -> str:
        """The cookie of somebody who is kept on that slot."""
        return next(cookie for found, cookie in (self.visit() for _ in range(1000)) if found == slot)


@pytest.fixture
def street(counter: Shop, upstreams: Mapping[str, Upstream]) -> Iterator[Street]:
    """All of it, with everything on blue."""
    ports = {counter.estate.targets[slot]: each.port for slot, each in upstreams.items()}
    with Balancer(counter.actions, ports, counter.clock) as balancer, door(balancer.port) as opened:
        yield Street(counter, balancer, opened)


@pytest.mark.parametrize("delay", [0.0, 3.0])
@pytest.mark.parametrize("green", [5, 50])
def test_a_late_load_balancer_is_waited_for(street: Street, delay: float, green: int) -> None:
    """However late requests follow the rule, the write returns after that, when it is seen by what they do."""
    street.balancer.delay = delay
    street.seeing().write(shares(100 - green))
    assert delay <= street.shop.clock.now() < LIMIT
    assert street.read().slots["green"].requests > 0


def test_a_load_balancer_that_never_follows_is_found(street: Street) -> None:
    """A rule that is written and read back, and that no request heeds, is an error at the limit."""
    street.balancer.ignores = True
    said = refused(lambda: street.seeing().write(shares(50)))
    assert re.search(r"is accepted, and \d+ requests in 10 s do not fall so", said.what)
    assert street.shop.router().read() == shares(50)


def test_requests_fall_as_they_were_asked_to(street: Street) -> None:
    """All or nothing is exactly that, and a share is one."""
    for green, least, most in ((0, 0, 0), (20, 20, 60), (100, 200, 200)):
        street.shop.router().write(shares(100 - green))
        answers = street.door.many([()] * 200)
        assert least <= sum(each.slot == "green" for each in answers) <= most


def test_an_abort_takes_everybody_back(street: Street) -> None:
    """Browsers stay where they were while both slots are reached; after an abort none is on the slot that was given up."""
    router = street.shop.router(stickiness=600)
    router.write(shares(50))
    cookie = street.browser("green")
    router.write(shares(95))
    assert {street.visit(cookie)[0] for _ in range(20)} == {"green"}
    router.write(shares(100))
    assert {street.visit(cookie)[0] for _ in range(20)} == {"blue"}


def test_who_is_kept_stays(street: Street) -> None:
    """A slot without weight that is kept is still reached by its browsers, and by nobody else."""
    router = street.shop.router(stickiness=600)
    router.write(shares(50))
    cookie = street.browser("blue")
    router.write(shares(0), ["blue"])
    assert {street.visit(cookie)[0] for _ in range(20)} == {"blue"}
    assert {street.visit()[0] for _ in range(20)} == {"green"}
