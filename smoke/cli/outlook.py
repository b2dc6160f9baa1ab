"""What the steps of a plan take with the traffic that there is, that the plan makes, or that somebody asks about."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import inf, isfinite

from smoke.analysis.foresight import MINUTE, Advice, Foresight, advice, foresee
from smoke.analysis.load import Load
from smoke.errors import GateClosed, MeterError, UsageError
from smoke.model import Counts, Sample
from smoke.plan import Plan
from smoke.rollout import Opened
from smoke.wiring import Site

FEW = 10.0
HOUR = 60.0 * MINUTE
_SETTINGS = {"p95_ms": "p95"}
"""What a gate is called in the settings, where that is not its own name."""


@dataclass(frozen=True, slots=True)
class Outlook:
    """One service that has a meter."""

    service: str
    load: Load | None
    """None: it is asked nothing, or nobody knows."""
    traffic: str
    """Where the rate is from; without a load, why there is none."""
    steps: tuple[Foresight, ...] = ()


def time_of(seconds: float) -> str:
    """A time as people say it."""
    if seconds == inf:
        return "never"
    if seconds < 2.0 * MINUTE:
        return f"{seconds:.0f} s" if seconds >= 1.0 else f"{seconds:.1g} s"
    return f"{seconds / MINUTE:.0f} min" if seconds < 2.0 * HOUR else f"{seconds / HOUR:.3g} h"


def percent(share: float) -> str:
    """A share, as people say it."""
    return f"{100.0 * share:.3g} %"


def rate_of(load: Load) -> str:
    """How much a service is asked."""
    return f"{load.rate:,.{0 if load.rate >= FEW else 1}f} requests a second"


def asked_rates(words: Sequence[str], services: Sequence[str]) -> Mapping[str, float]:
    """Requests a second by service, from words like ``api=200``.

    Raises:
        UsageError: it is no such word, or there is no such service.
    """
    found: dict[str, float] = {}
    for word in words:
        service, _, number = word.partition("=")
        try:
            found[service] = float(number)
        except ValueError:
            found[service] = -1.0
        if service not in services or not isfinite(found[service]) or found[service] < 0.0:
            known = " or ".join(f"--rate {each}=200" for each in services)
            raise UsageError(f"--rate {word} is not a service and its requests a second", hint=known, state="nothing was changed")
    return found


def outlooks(site: Site, opened: Opened, asked: Mapping[str, float], watch: float) -> tuple[Outlook, ...]:
    """Every service that has a meter; whose traffic is measured for so many seconds where neither plan nor person says it."""
    told = {name: (each.rate, "made by the plan") for name, each in (opened.plan.traffic or {}).items()}
    told |= {name: (rate, "as asked") for name, rate in asked.items()}
    services = metered(site)
    before = {service: _read(site, service) for service in services}
    if set(services) - set(told):
        site.clock.sleep(watch)
    found = []
    for service in services:
        after = before[service] if service in told else _read(site, service)
        rate, traffic = told.get(service) or _measured(before[service], after)
        traffic = f"no traffic, {traffic}" if service in told and not rate else traffic
        live = after.slots.get(opened.live, Counts()) if isinstance(after, Sample) else Counts()
        load = Load.measured(rate, live) if rate else None
        steps = foresee(opened.plan, service, load, len(site.meters)) if load else ()
        found.append(Outlook(service, load, traffic, steps))
    return tuple(found)


def metered(site: Site) -> list[str]:
    """The services that have a meter of the data plane."""
    return [each.name for each in site.contract.services if each.meter is not None]


def _read(site: Site, service: str) -> Sample | MeterError:
    try:
        return site.meters[service].read()
    except MeterError as error:
        return error


def _measured(before: Sample | MeterError, after: Sample | MeterError) -> tuple[float, str]:
    """Requests a second; and where they are from, or why there are none."""
    if isinstance(before, MeterError):
        return 0.0, _unread(before)
    if isinstance(after, MeterError):
        return 0.0, _unread(after)
    seconds = after.at - before.at
    more = sum(max(0, new.requests - before.slots.get(slot, Counts()).requests) for slot, new in after.slots.items())
    return (more / seconds, f"measured for {seconds:.2g} s") if more else (0.0, f"no traffic in {seconds:.2g} s")


def _unread(error: MeterError) -> str:
    return f"traffic cannot be measured: {error.what}" + (f" ({error.cause})" if error.cause else "")


def refusal(site: Site, opened: Opened, found: Sequence[Outlook]) -> GateClosed | None:
    """Why the plan cannot decide, and what would do; None where it can."""
    plan = opened.plan
    unknown = [each for each in found if each.load is None and _asks(plan, each.service)]
    late = [step for each in found for step in each.steps if not step.decides]
    if not unknown and not late:
        return None
    return GateClosed(
        f"{_named(late)} would end at the limit without a verdict",
        where=f"Pulumi.{site.name}.yaml crossfade:plan",
        cause="\n".join([*(f"{each.service}: {each.traffic}" for each in unknown), *map(_late, late)]),
        hint="\n".join([*(line for each in unknown for line in _traffic(each)), *_advised(plan, late)]),
        state=site.state(),
    )


def _named(late: Sequence[Foresight]) -> str:
    names = {each.number: f"{each.number + 1} ({each.step.share} %)" for each in late}
    return f"step {' and step '.join(names[number] for number in sorted(names))}" if names else "for all that is known each step"


def _asks(plan: Plan, service: str) -> bool:
    return any(plan.gates_of(service).needed(step) for step in plan.steps)


def _late(late: Foresight) -> str:
    slow = {"requests": late.requests, **late.certify}
    parts = ", ".join(f"{gate} {time_of(seconds)}" for gate, seconds in slow.items() if seconds > late.step.limit)
    where = f"{late.service} at {late.step.share} % of {rate_of(late.prospect.load)}"
    return f"{where}: {parts or f'bake {time_of(late.step.bake)}'}; the limit is {time_of(late.step.limit)}"


def _traffic(outlook: Outlook) -> Iterator[str]:
    service = outlook.service
    yield f"what if: crossfade plan --rate {service}=100"
    yield f"traffic of its own: crossfade:plan.traffic.{service}: {{rate: 100, path: /}}"
    yield f"let it pass unseen: crossfade:services.{service}.gates: {{requests: 0}}"


def _advised(plan: Plan, late: Sequence[Foresight]) -> Iterator[str]:
    for each in late:
        found = "; or ".join(_ways(each.service, advice(plan, each)))
        yield f"step {each.number + 1}: {found or 'no share, limit or margin would do; see what the live slot does itself'}"


def _ways(service: str, found: Advice) -> Iterator[str]:
    if found.share is not None:
        yield f"share: {found.share}"
    if found.limit is not None:
        yield f"limit: {found.limit / MINUTE:.0f}m"
    if found.gates:
        gates = ", ".join(f"{_SETTINGS.get(name, name)}: {_value(name, value)}" for name, value in found.gates.items())
        yield f"gates of {service}: {{{gates}}}"


def _value(name: str, value: float) -> str:
    return f"{value / 1000.0:g}s" if name == "p95_ms" else f"{value:g}"
