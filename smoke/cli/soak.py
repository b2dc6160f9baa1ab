"""``crossfade soak``: watch the live slot for hours, under load, and say whether it bears that."""

import sys
from collections.abc import Collection, Mapping, Sequence

import click

from smoke.cli.frame import check_settings, on_stack
from smoke.cli.soaked import HOUR, answered, kept, watched
from smoke.errors import UsageError
from smoke.plan import Plan
from smoke.soaking import Wanted
from smoke.wiring import Site


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
    wanted = Wanted(hours * HOUR, every, errors, memory=_limits(memory, {each.name for each in site.contract.services}))
    answer = answered(kept(site, "soak") if show else watched(site, "soak", wanted), wanted)
    sys.stdout.write(answer.text(alone=as_json))
    return answer.code


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
