"""``crossfade plan``: what the next promotion would do, and what going back would."""

import sys

import click

from smoke.cli.frame import check_settings, me, on_stack
from smoke.cli.main import print_document
from smoke.errors import Exit
from smoke.plan import Plan, Step
from smoke.rollout import Opened
from smoke.rollout.opening import NothingToDo, Wish, promotion
from smoke.wiring import Site


@click.command("plan")
@click.option("--json", "as_json", is_flag=True, help="Print one document.")
@on_stack
def command(site: Site, *, as_json: bool) -> int:
    """Show the steps of the next promotion, the least time and requests it needs, and what going back would do."""
    asked = check_settings(site)
    try:
        opened = promotion(site.contract, site.history(asked.values()), Wish(by=me(), at=site.clock.wall(), asked=asked))
    except NothingToDo as nothing:
        sys.stderr.write(f"nothing to promote: {nothing}\n")
        return Exit.WANTED
    if as_json:
        print_document(_document(opened))
    else:
        sys.stdout.write("\n".join(_lines(opened)) + "\n")
    return Exit.WANTED


def _least_seconds(plan: Plan) -> float:
    return sum(step.bake for step in plan.steps)


def _document(opened: Opened) -> dict[str, object]:
    return {
        "live": opened.live,
        "candidate": opened.candidate,
        "release": opened.release,
        "least_seconds": _least_seconds(opened.plan),
        "back": {name: dict(each) for name, each in opened.back.items()},
        "plan": opened.plan.to_json(),
    }


def _lines(opened: Opened) -> list[str]:
    plan = opened.plan
    back = f"holds {', '.join(opened.back)} as settled before" if opened.back else "is removed: it was never settled"
    return [
        f"release {opened.release}: from {opened.live} to {opened.candidate}",
        f"  prove    {opened.candidate} must be well {plan.gates.successes} times in a row within {plan.prove:g} s",
        *(f"  step {number}   {_step(opened, step)}" for number, step in enumerate(plan.steps, start=1)),
        f"  least    {_least_seconds(plan):g} s of watched time",
        f"  back     all traffic on {opened.live} within a tick ({plan.tick:g} s) of a FAIL; then slot {opened.candidate} {back}",
    ]


def _step(opened: Opened, step: Step) -> str:
    what = f"hand over {', '.join(opened.singletons)}" if step.singletons else f"{step.share} %"
    return f"{what}: {step.bake:g} s or more, {step.requests} requests or more for each service, decided within {step.limit:g} s"
