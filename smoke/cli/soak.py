"""``crossfade soak``: watch the live slot for hours, under load, and say whether it bears that."""

import sys
import time
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress

import click

from smoke.cli.frame import check_settings, on_stack
from smoke.errors import UsageError
from smoke.gates import Answer
from smoke.journals import FileJournal
from smoke.meters import meter
from smoke.plan import Plan
from smoke.seams import Writer
from smoke.soaker import Soaker, soak
from smoke.soaking import Look, Soak, Wanted, judged
from smoke.wiring import Site

_HOUR = 3600.0
_QUIET = 300.0
"""Seconds between two lines of progress."""
_LIMIT = 20.0
"""Seconds that all probes together may take at a look."""


@click.command("soak")
@click.option(
    "--hours", type=click.FloatRange(min=0, min_open=True), default=48.0, show_default=True, help="How long it has to bear it."
)
@click.option("--every", type=click.FloatRange(min=0.1), default=60.0, show_default=True, help="Seconds between two looks.")
@click.option("--memory", multiple=True, metavar="SERVICE=MB", help="What a service may hold; twice of what it holds by default.")
@click.option("--show", is_flag=True, help="Look at nothing, and say what was seen so far.")
@click.option("--json", "as_json", is_flag=True, help="Print the last line alone.")
@on_stack
def command(  # noqa: PLR0913 - one parameter an option
    site: Site, *, hours: float, every: float, memory: tuple[str, ...], show: bool, as_json: bool
) -> int:
    """Watch the live slot until it was well and under load for so long. Ctrl-C ends it, and the same command goes on from there.

    Exit code 0: it bore that. 1: it did not, or memory grows to what is too much within a week. 12: the time is not over.
    """
    settings = check_settings(site)
    errors = Plan.from_json(settings["plan"]).gates.errors
    wanted = Wanted(hours * _HOUR, every, errors, memory=_limits(memory, {each.name for each in site.contract.services}))
    live = site.history().live(site.contract)
    journal, name = FileJournal(site.folder / "soak", site.clock), site.contract.releases[live]
    looks = [Look.from_record(each) for each in journal.records(name)] if name in journal.rollouts() else []
    if not show:
        with journal.open(name) as writer, suppress(KeyboardInterrupt):
            _watch(site, live, writer, looks, wanted)
    text = _answer(judged(looks, wanted), wanted).text()
    sys.stdout.write(text.splitlines(keepends=True)[-1] if as_json else text)
    return _answer(judged(looks, wanted), wanted).code


def _watch(site: Site, live: str, writer: Writer, looks: list[Look], wanted: Wanted) -> None:
    """Look until it is decided, or until somebody ends it."""
    slots = tuple(sorted(site.contract.releases))
    meters = {each.name: meter(each.meter) for each in site.contract.services if each.meter is not None}
    told = 0.0

    def tell(found: Soak) -> None:
        nonlocal told
        if site.clock.now() - told >= _QUIET:
            told = site.clock.now()
            sys.stderr.write(f"{time.strftime('%H:%M:%S')}  {found.outcome.value:<13} {found.why}\n")

    with site.sampler(slots) as sampler:
        soak(Soaker(live, lambda: sampler.once(_LIMIT), meters, site.clock), writer, looks, wanted, tell)


def _answer(found: Soak, wanted: Wanted) -> Answer:
    share = found.errors / found.requests if found.requests else 0.0
    head = (
        f"watched {found.watched / _HOUR:.1f} h by a look every {wanted.every:g} s, well in {found.up:.3%} of it",
        f"{found.requests} requests, {share:.3%} of them failed; {found.restarts} restarts",
    )
    hours = round(found.counted / _HOUR, 2)
    return Answer(found.outcome, found.why, int(found.counted), hours, ">=", wanted.seconds / _HOUR, (), (*head, *found.lines))


def _limits(given: Sequence[str], services: Collection[str]) -> Mapping[str, float]:
    """Megabytes by service.

    Raises:
        UsageError: it is none.
    """
    found = {}
    for each in given:
        service, _, text = each.partition("=")
        if service not in services or not text.isdecimal() or not int(text):
            hint = f"--memory SERVICE=MB; the services are {', '.join(sorted(services))}"
            raise UsageError(f"{each} says nothing of what a service may hold", hint=hint)
        found[service] = float(text)
    return found
