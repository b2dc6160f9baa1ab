"""``crossfade approve``: a person agrees that the next step may begin."""

import sys
import time

import click

from smoke.cli.asking import ask, running
from smoke.cli.frame import me, on_stack
from smoke.cli.main import print_document
from smoke.errors import Exit, Forbidden, GateClosed
from smoke.rollout import Rollout, describe
from smoke.wiring import Site


@click.command("approve")
@click.option("--why", default="", help="What others will read in the report.")
@click.option("--json", "as_json", is_flag=True, help="Print one document.")
@on_stack
def command(site: Site, *, why: str, as_json: bool) -> int:
    """Agree, under your own name, that the next step that asks for approvals may begin.

    It begins once enough persons agree, and every gate passes. An approval counts for a while; `crossfade plan` says how long.
    """
    rollout = running(site, "approve")
    step = rollout.asks
    if step is None:
        name = rollout.opened.rollout
        raise GateClosed("no step to come asks for an approval", where=name, hint="crossfade plan names those that do")
    if me() == rollout.opened.by and not rollout.plan.own_approval:
        raise Forbidden(
            "whoever began the rollout may not approve it", where="plan.own_approval", hint="somebody else: crossfade approve"
        )
    # Once the step has begun nobody asks any more, or the one after it would be approved unseen.

    def done(each: Rollout) -> bool:
        return me() in each.agreed(step, site.clock.wall()) or each.asks != step

    rollout = ask(site, rollout, "approve", why, done, step=step)
    sys.stderr.write(f"{_told(rollout, step, site.clock.wall())}\nstate: {site.state()}\n")
    if as_json:
        print_document(describe(rollout))
    return Exit.WANTED


def _told(rollout: Rollout, step: int, now: float) -> str:
    wanted, agreed = rollout.plan.steps[step], rollout.agreed(step, now)
    own = max((each.at for each in rollout.approvals if each.step == step and each.by == me()), default=None)
    given = f"step {step + 1}, {wanted.share} %: {len(agreed)} of {wanted.approvals} approvals ({', '.join(sorted(agreed))})"
    if own is None:
        return f"{given}; it has begun without yours"
    until = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(own + rollout.plan.approvals_last))
    return f"{given}; yours counts until {until}"
