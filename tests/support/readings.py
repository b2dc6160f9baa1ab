"""Looks at one metered service, whose meter says what a test wants it to."""

from smoke.analysis import Evidence
from smoke.model import Counts, Look, Sample
from smoke.plan import Gates, Plan, Step

INF = float("inf")
GRID = (5.0, 10.0, 20.0, 50.0, 100.0, INF)
STEP = Step(50, bake=5.0, requests=100, limit=60.0)
PLAN = Plan(steps=(STEP, STEP), gates=Gates(errors=0.05, error_margin=0.05))
TICK = 0.25


def counts(requests: int, errors: int = 0, *, place: int = 1, grid: tuple[float, ...] = GRID, timed: int | None = None) -> Counts:
    """Counts whose latency, of as many as were timed, is all in one bucket."""
    total = requests if timed is None else timed
    return Counts(requests, errors, tuple((edge, total if at >= place else 0) for at, edge in enumerate(grid)))


def looked(evidence: Evidence, at: float, blue: Counts | None, green: Counts | None, **more: float) -> Evidence:
    """The evidence after a look at which a meter said this."""
    slots = {slot: each for slot, each in (("blue", blue), ("green", green)) if each is not None}
    counting = bool(more.pop("counting", 1.0))
    lag = more.pop("lag", 0.0)
    return evidence.with_look(Look(at, (), {"api": Sample(at - lag, slots, **more)}), counting=counting)


def begun(plan: Plan = PLAN) -> Evidence:
    """A first step that begins now, of a service that was read once and has no traffic yet."""
    return looked(Evidence("blue", "green", plan, ("api",)), -TICK, counts(0), counts(0)).for_step(0)


def at_step(seconds: float = 10.0, *, place: int = 1) -> tuple[Evidence, float, int]:
    """A first step that was watched so long at 400 requests a second; when that was, and what blue had counted.

    Before it blue was watched alone for ten seconds. A hundredth of its requests fail, and none of green's.
    """
    evidence = Evidence("blue", "green", PLAN, ("api",))
    at, requests = 0.0, 0
    for _ in range(40):
        evidence = looked(evidence, at, counts(requests, requests // 100, place=place), counts(0))
        at, requests = at + TICK, requests + 50
    evidence = evidence.for_step(0)
    for look in range(int(seconds / TICK)):
        evidence = looked(evidence, at, counts(requests, requests // 100, place=place), counts(50 * look, place=place))
        at, requests = at + TICK, requests + 50
    return evidence, at, requests
