"""Looks at a stack again and again, and keeps what it saw, until a soak has its verdict.

Whoever ends in the middle loses nothing: looks are kept, one by one, and the same command goes on from there. What was not looked
at meanwhile does not count.
"""

from collections.abc import Callable, Mapping, MutableSequence, Sequence

from smoke.errors import MeterError
from smoke.evidence import Outcome
from smoke.model import Answer, Counts, Reading, Sample
from smoke.seams import Clock, Meter, Writer
from smoke.soaking import Look, Soak, Wanted, judged

_TENURE = 3.0
"""For how many looks nobody else may go on with it."""


class Soaker:
    """The eyes of a soak."""

    def __init__(self, live: str, ask: Callable[[], Sequence[Reading]], meters: Mapping[str, Meter], clock: Clock) -> None:
        """``ask`` puts every question to both slots once; ``meters`` count by service."""
        self._live = live
        self._ask = ask
        self._meters = meters
        self.clock = clock
        self._before: dict[str, Sample] = {}
        self._witness: dict[str, str] = {}
        """The probe that says who answers, by ``slot/service``: two may say it in different words."""
        self._counted()

    def look(self) -> Look:
        """What there is to see now, and since the look before. Never raises for what it looks at."""
        readings = self._ask()
        loads, errors = self._counted()
        memory: dict[str, float] = {}
        instances: dict[str, str] = {}
        for each in readings:
            name = f"{each.slot}/{each.service}"
            if "rss_mb" in each.numbers:
                memory[name] = max(each.numbers["rss_mb"], memory.get(name, 0.0))
            if each.instance is not None and self._witness.setdefault(name, each.probe) == each.probe:
                instances[name] = each.instance
        bad = [each for each in readings if each.slot == self._live and each.answer is Answer.FAILED]
        return Look(
            at=self.clock.wall(),
            live=self._live,
            bad=tuple(f"{each.service} {each.slot}: {each.probe}: {each.detail}" for each in bad),
            requests=loads.get(self._live, 0),
            errors=errors,
            loads=loads,
            memory=memory,
            instances=instances,
        )

    def _counted(self) -> tuple[dict[str, int], int]:
        """Requests by slot since the look before, and those to the live one that failed; who cannot be read counted none."""
        loads: dict[str, int] = {}
        errors = 0
        for service, meter in self._meters.items():
            try:
                sample = meter.read()
            except MeterError:
                self._before.pop(service, None)
                continue
            before, self._before[service] = self._before.get(service), sample
            if before is None:
                continue
            for slot, counts in sample.slots.items():
                old = before.slots.get(slot, Counts())
                began_anew = counts.requests < old.requests
                loads[slot] = loads.get(slot, 0) + counts.requests - (0 if began_anew else old.requests)
                errors += (counts.errors - (0 if began_anew else old.errors)) if slot == self._live else 0
        return loads, errors


def soak(soaker: Soaker, writer: Writer, looks: MutableSequence[Look], wanted: Wanted, tell: Callable[[Soak], None]) -> Soak:
    """Look until it is decided, and tell of every look; ``looks`` are those that were kept before, and get the new ones.

    Raises:
        JournalError: a look cannot be kept.
        Locked: somebody else goes on with it.
    """
    while True:
        began = soaker.clock.now()
        writer.renew(_TENURE * wanted.every)
        look = soaker.look()
        writer.append(look.to_record())
        looks.append(look)
        found = judged(looks, wanted)
        tell(found)
        if found.outcome in {Outcome.PASS, Outcome.FAIL}:
            return found
        soaker.clock.sleep(wanted.every - (soaker.clock.now() - began))
