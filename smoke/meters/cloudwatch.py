"""What an Application Load Balancer counted for its target groups, as CloudWatch tells it: whole minutes, and some time later.

A minute counts once it is older than ``lag``. Before that it may be told in part, and what has no number yet is not zero; after
that no number means that there was no request. What comes later still is not counted. A sample holds for the end of its last
minute, which is the same for all slots.

Bad are answers with 5xx, and connections that a target did not take. What a target took and never answered is told of the load
balancer as a whole only. Latency is told as quantiles of each minute, and not as counts that could be added up: there is none.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import partial
from math import floor
from typing import Self

from infra.contract import Json
from smoke.arn import BALANCER, are_targets, is_arn, region_of, short
from smoke.aws import Reach, Service, ask, hint_of, patiently
from smoke.clock import SystemClock
from smoke.errors import MeterError
from smoke.foreign import shortened
from smoke.meters.tallied import whole
from smoke.model import Counts, Sample
from smoke.refusal import Refused, Unreached
from smoke.seams import Clock
from smoke.settings import check, is_seconds, is_text

_MINUTE = 60.0
_LAG = 120.0
_TIMEOUT = 2.0
_READING = 1.0
"""Seconds that a read may wait for a service that is busy."""
_RETRY = 5.0
"""Seconds from a read that failed to the next question: each of them is paid for."""
_AHEAD = 30.0
"""Seconds that this machine's clock may be ahead of the service's; more, and minutes would count before they are told."""
_PAGES = 100
"""Of one answer; more are none."""
_ALL, _BAD = "RequestCount", ("HTTPCode_Target_5XX_Count", "TargetConnectionErrorCount")


@dataclass(frozen=True, slots=True)
class Settings:
    """What the contract says of one service's load balancer."""

    balancer: str
    targets: Mapping[str, str]
    """ARN of the target group by slot."""
    lag: float
    """Seconds until a minute is told whole."""
    timeout: float
    """Seconds that the service has for one answer."""
    reach: Reach

    @classmethod
    def of(cls, given: Mapping[str, Json]) -> Self:
        """Read them.

        Raises:
            UsageError: one is missing, unknown or of the wrong kind.
        """
        check(
            "meter cloudwatch",
            given,
            {"load_balancer": lambda value: is_arn(value, BALANCER), "slots": are_targets},
            {"region": is_text, "endpoint": is_text, "lag": is_seconds, "timeout": is_seconds},
            "it has: load_balancer (ARN), slots (a target group's ARN by slot), region, endpoint, lag and timeout (seconds)",
        )
        balancer: str = given["load_balancer"]
        reach = Reach(given.get("region", region_of(balancer)), given.get("endpoint"))
        return cls(balancer, dict(given["slots"]), given.get("lag", _LAG), given.get("timeout", _TIMEOUT), reach)

    def queries(self) -> Mapping[str, tuple[str, str]]:
        """Slot and metric by the name that its numbers have in an answer."""
        asked = [(slot, metric) for slot in self.targets for metric in (_ALL, *_BAD)]
        return {f"m{number}": each for number, each in enumerate(asked)}

    def words(self) -> list[Json]:
        """The same, as the service is asked."""
        return [
            {"Id": name, "MetricStat": {"Metric": self._metric(slot, metric), "Period": int(_MINUTE), "Stat": "Sum"}}
            for name, (slot, metric) in self.queries().items()
        ]

    def _metric(self, slot: str, name: str) -> Json:
        dimensions = {"LoadBalancer": short(self.balancer), "TargetGroup": short(self.targets[slot])}
        named = [{"Name": each, "Value": value} for each, value in dimensions.items()]
        return {"Namespace": "AWS/ApplicationELB", "MetricName": name, "Dimensions": named}


@dataclass(frozen=True, slots=True)
class _Known:
    """What was counted so far."""

    end: float
    """Of the last minute that is in it, in seconds since 1970."""
    sample: Sample
    bad: Mapping[str, int]
    """By slot; more than there were requests, where one that was tried again failed twice."""


class CloudWatch:
    """Adds up whole minutes, from the one before the first read on. It asks once a minute."""

    def __init__(self, given: Mapping[str, Json], clock: Clock | None = None) -> None:
        self._settings = Settings.of(given)
        self._service = Service("cloudwatch", self._settings.reach, self._settings.timeout)
        self._clock = clock or SystemClock()
        self._known: _Known | None = None
        self._failed: tuple[float, MeterError] | None = None
        """When the last question was asked that was not answered, and why."""

    def read(self) -> Sample:
        """What was counted until the last minute that is whole; the same one until the next is."""
        now, wall = self._clock.now(), self._clock.wall()
        end = floor((wall - self._settings.lag) / _MINUTE) * _MINUTE
        if self._known is not None and end <= self._known.end:
            return self._known.sample
        if self._failed is not None and now < self._failed[0] + _RETRY:
            raise replace(self._failed[1])
        try:
            self._known = self._after(end, now - (wall - end))
        except MeterError as error:
            self._failed = (now, error)
            raise
        self._failed = None
        return self._known.sample

    def _after(self, end: float, at: float) -> _Known:
        """With the minutes until then; ``at`` is the same moment in monotonic seconds."""
        slots = self._settings.targets
        empty = _Known(end - _MINUTE, Sample(at - _MINUTE, dict.fromkeys(slots, Counts())), dict.fromkeys(slots, 0))
        known = self._known or empty
        sums = self._sums(known.end, end)
        requests = {slot: known.sample.slots[slot].requests + sums[slot, _ALL] for slot in slots}
        bad = {slot: known.bad[slot] + sum(sums[slot, each] for each in _BAD) for slot in slots}
        counted = {slot: Counts(requests[slot], min(requests[slot], bad[slot])) for slot in slots}
        return _Known(end, Sample(max(at, known.sample.at), counted, self._every()), bad)

    def _every(self) -> float:
        # Whoever looks takes counts for lost once they are three times as old: they are as old as the lag and one minute.
        return max(_MINUTE, (self._settings.lag + 2 * _MINUTE) / 3)

    def _sums(self, start: float, end: float) -> Mapping[tuple[str, str], int]:
        """What was counted between, by slot and metric; where it says nothing of a minute, there was none."""
        queries = self._settings.queries()
        values: dict[str, list[Json]] = {name: [] for name in queries}
        status: dict[str, str] = {}
        for page in self._pages(start, end):
            for each in page.get("MetricDataResults") or ():
                status[each["Id"]] = str(each.get("StatusCode"))
                values[each["Id"]] += each["Values"]
        for name, (slot, metric) in queries.items():
            if status.get(name) != "Complete":
                raise MeterError(f"{slot}: {metric} is not told whole", cause=f"its status is {status.get(name, 'missing')}")
        return {queries[name]: whole(queries[name][1], {queries[name][1]: sum(each)}) for name, each in values.items()}

    def _pages(self, start: float, end: float) -> Iterator[Json]:
        words = {"StartTime": datetime.fromtimestamp(start, UTC), "EndTime": datetime.fromtimestamp(end, UTC)}
        more: Json = {}
        for _ in range(_PAGES):
            page = self._asked(**words, **more)
            self._check(page, end)
            yield page
            if not page.get("NextToken"):
                return
            more = {"NextToken": page["NextToken"]}
        raise MeterError(f"the answer has more than {_PAGES} pages")

    def _asked(self, **words: Json) -> Json:
        try:
            asked = partial(
                ask, self._service, "cloudwatch", "get_metric_data", MetricDataQueries=self._settings.words(), **words
            )
            return patiently(asked, self._clock, _READING)
        except Unreached as error:
            raise MeterError("CloudWatch cannot be asked", cause=str(error)) from error
        except Refused as error:
            raise MeterError("CloudWatch refuses", cause=str(error), hint=hint_of(error)) from error

    def _check(self, page: Json, end: float) -> None:
        if page.get("Messages"):
            raise MeterError("a part of the answer may be missing", cause=shortened(str(page["Messages"])))
        served = parsedate_to_datetime(page["ResponseMetadata"]["HTTPHeaders"]["date"]).timestamp()
        if end + self._settings.lag > served + _AHEAD:
            ahead = f"by at least {end + self._settings.lag - served:.0f} s"
            raise MeterError("this machine's clock is ahead of the service's", cause=ahead, hint="set it: timedatectl")


def policy() -> Json:
    """The least that whoever reads these counts must be allowed, as a policy of IAM: there it is for all or none."""
    statement = {"Effect": "Allow", "Action": ["cloudwatch:GetMetricData"], "Resource": "*"}
    return {"Version": "2012-10-17", "Statement": [statement]}
