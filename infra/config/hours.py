"""When a rollout may go forward, as it may be written: windows of the week, and freezes."""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Annotated, Any, Self
from zoneinfo import ZoneInfo

from pydantic import BeforeValidator, Field, model_validator

from infra.config.kinds import Model, refusal
from infra.contract import Json

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DAILY, WHOLE = "daily", "00:00-24:00"
_DAY = 24 * 60
_HOURS = re.compile(r"(\d{1,2}):(\d\d) *- *(\d{1,2}):(\d\d)")
# Pulumi takes a date without quotes for a time, and writes it into the file as Go does.
_MOMENT = re.compile(r"(2\d{3}-\d\d-\d\d)(?: 00:00:00 \+0000 UTC| (\d\d:\d\d))?")
_ALMOST = re.compile(r"(2\d{3})-(\d{1,2})-(\d{1,2})(?:[ T]+(\d{1,2}):(\d\d).*)?")


def _days(value: Any) -> Any:  # noqa: ANN401 - whatever was written
    words = value.split(",") if isinstance(value, str) else value
    if not isinstance(words, list | tuple) or not words or not all(isinstance(word, str) for word in words):
        raise refusal("days are a text, or a list of days")
    found = [_span(word.strip()) for word in words]
    if None in found:
        short = [re.sub(r"([a-z]{3})[a-z]*", r"\1", word.strip().lower()) for word in words]
        better = ",".join(short) if all(map(_span, short)) else None
        raise refusal(f"days are {DAILY}, or of {', '.join(DAYS)}: as mon-fri, or mon,wed,fri", better)
    return tuple(sorted({day for span in found for day in span or ()}))


def _span(word: str) -> tuple[int, ...] | None:
    """The days of one word, which may go past the end of the week; None: it is no such word."""
    first, _, last = word.partition("-")
    if word == DAILY:
        return tuple(range(len(DAYS)))
    if first not in DAYS or (last or first) not in DAYS or word.endswith("-"):
        return None
    start = DAYS.index(first)
    return tuple((start + each) % len(DAYS) for each in range((DAYS.index(last or first) - start) % len(DAYS) + 1))


def _hours(value: Any) -> Any:  # noqa: ANN401
    match = _HOURS.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None:
        raise refusal("hours are from when to when, as 09:00-17:00; past midnight as 22:00-02:00")
    start, end = 60 * int(match[1]) + int(match[2]), 60 * int(match[3]) + int(match[4])
    if max(int(match[2]), int(match[4])) >= 60 or start >= _DAY or end > _DAY:  # noqa: PLR2004 - minutes of an hour
        raise refusal("a day is from 00:00 to 24:00, and an hour to its minute 59")
    if start == end:
        raise refusal("it opens and closes in the same minute; the whole day is 00:00-24:00", WHOLE)
    return start, end


def _moment(value: Any, *, after: bool) -> datetime:  # noqa: ANN401
    """The time of clocks that was written; of a day its midnight, or the one ``after`` it."""
    match = _MOMENT.fullmatch(value.strip()) if isinstance(value, str) else None
    try:
        if match is not None:
            moment = datetime.fromisoformat(f"{match[1]} {match[2] or '00:00'}")
            return moment + timedelta(days=1) if after and match[2] is None else moment
    except ValueError as error:
        raise refusal(f"there is no such day or time: {error}") from error
    near = _ALMOST.fullmatch(value.strip()) if isinstance(value, str) else None
    better = None
    if near is not None:
        time = f" {near[4]:0>2}:{near[5]}" if near[4] else ""
        better = f"{near[1]}-{near[2]:0>2}-{near[3]:0>2}{time}"
    raise refusal('it is a day, as 2026-12-20, or a time of it by the clocks of the zone, as "2026-12-20 18:00"', better)


def _from(value: Any) -> datetime:  # noqa: ANN401
    return _moment(value, after=False)


def day_after(value: Any) -> datetime:  # noqa: ANN401 - whatever was written
    """The end of the day that was written, or the time of it."""
    return _moment(value, after=True)


class Zoned(Model):
    """Something by the clocks of a zone."""

    zone: str = Field(default="UTC", examples=["Europe/Berlin"], description="the time zone, by its name in the tz database")


class WindowSettings(Zoned):
    """Hours of the week in which a rollout may go forward."""

    days: Annotated[tuple[int, ...], BeforeValidator(_days)] = Field(
        examples=["mon-fri"], description="the days on which it opens: mon-fri, mon,wed,fri or daily"
    )
    hours: Annotated[tuple[int, int], BeforeValidator(_hours)] = Field(
        examples=["09:00-17:00"], description="from when to when it is open, as 09:00-17:00; past midnight as 22:00-02:00"
    )

    @model_validator(mode="before")
    @classmethod
    def _quoted(cls, value: Any) -> Any:  # noqa: ANN401
        """In braces a comma ends the value, and the days after the first would be settings."""
        more = [each for each in value if each in DAYS] if isinstance(value, Mapping) else []
        if more and isinstance(value.get("days"), str):
            written = {name: each for name, each in value.items() if name not in more}
            better = {**written, "days": ",".join((value["days"], *more))}
            raise refusal("within braces several days need quotes, or brackets", better)
        return value

    def contract(self) -> Mapping[str, Json]:
        """The window as the contract carries it: Monday is 0, and minutes of the day."""
        return {"days": list(self.days), "start": self.hours[0], "end": self.hours[1], "zone": self.zone}


class FreezeSettings(Zoned):
    """A time in which no rollout may go forward."""

    begins: Annotated[datetime, BeforeValidator(_from)] = Field(
        alias="from", examples=["2026-12-20"], description="the first day, as 2026-12-20"
    )
    ends: Annotated[datetime, BeforeValidator(day_after)] = Field(
        alias="until", examples=["2027-01-03"], description="the last day, as 2027-01-03"
    )
    why: str = Field(min_length=1, examples=["holidays"], description="what is told to whoever has to wait")

    def contract(self) -> Mapping[str, Json]:
        """The freeze as the contract carries it, in seconds since 1970; of an hour that clocks show twice, both are in it."""
        start, end = self._both(self.begins), self._both(self.ends)
        return {"start": min(start), "end": max(end), "why": self.why, "zone": self.zone}

    def _both(self: Self, moment: datetime) -> tuple[float, float]:
        shown = moment.replace(tzinfo=ZoneInfo(self.zone))
        return shown.timestamp(), shown.replace(fold=1).timestamp()
