"""A rollout whose counts grow second by second as a test says, and its evidence."""

from collections.abc import Sequence
from dataclasses import replace

from smoke.analysis import Evidence
from smoke.analysis.weighing import weigh
from smoke.model import Counts, Finding, Look, Sample
from smoke.plan import Gates, Plan, Step

INF = float("inf")
GRID = (*(float(round(10 * 1.05**power, 3)) for power in range(60)), INF)
STEP = Step(50, bake=5.0, requests=100, limit=600.0)
LAST = replace(STEP, share=100)
UNASKED = replace(STEP, requests=0)
PLAN = Plan(steps=(STEP, LAST), gates=Gates(errors=0.05, error_margin=0.02, p95_ms=GRID[40]))
SPREAD = range(10, 30)
"""A twentieth of the usual latency is in each of these buckets."""
LATE = 55
"""The bucket of requests that are late."""


class Traffic:
    """Counts of both slots that grow second by second, and the evidence that they make."""

    def __init__(self, plan: Plan = PLAN, services: Sequence[str] = ("api",)) -> None:
        self.evidence = Evidence("blue", "green", plan, tuple(services))
        self._at = 0.0
        self.due = 0
        """Requests that the live slot is sent each second, and does not answer."""
        self._begun = dict.fromkeys(("blue", "green"), 0)
        self._seen = {slot: [0, 0, [0] * len(GRID)] for slot in ("blue", "green")}
        self._look()
        for look in range(30):  # the live slot alone: one error in a hundred, and one in fifty
            self.second(blue=(100, 1 + look % 2), green=(0, 0))
        self.evidence = self.evidence.for_step(0)

    def second(self, blue: tuple[int, int], green: tuple[int, int], slower: int = 0, both: int = 0, late: int = 0) -> None:
        """One second with so many requests and errors; latency of the candidate, or of both, is that many buckets slower.

        ``late``: so many of the candidate's are beyond everything else.
        """
        for slot, (requests, errors), shift in (("blue", blue, both), ("green", green, both + slower)):
            seen = self._seen[slot]
            seen[0] += requests
            self._begun[slot] += requests + (self.due if slot == "blue" else 0)
            seen[1] += errors
            for place in range(requests):
                beyond = slot == "green" and place < late
                seen[2][LATE if beyond else SPREAD[place % 20] + shift] += 1
        self._at += 1.0
        self._look()

    def _look(self) -> None:
        slots = {}
        for slot, (requests, errors, bins) in self._seen.items():
            latency = tuple((edge, sum(bins[: place + 1])) for place, edge in enumerate(GRID))
            slots[slot] = Counts(requests, errors, latency, begun=self._begun[slot])
        samples = {service: Sample(self._at, slots) for service in self.evidence.services[:1]}
        self.evidence = self.evidence.with_look(Look(self._at, (), samples))

    def said(self, step: Step = STEP) -> dict[str, Finding]:
        """What is said of the first service, by gate."""
        return {each.gate: each for each in weigh(self.evidence, step) if each.service == self.evidence.services[0]}
