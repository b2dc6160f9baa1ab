"""``crossfade promote --in-cluster``: a Job of the cluster drives, and this terminal follows it."""

import sys

from infra.contract import Backend
from smoke.cli.frame import me
from smoke.cli.running import drive
from smoke.cli.watch import follow
from smoke.errors import UsageError
from smoke.job import Errand
from smoke.rollout import Phase, Rollout
from smoke.wiring import Site

_STARTS = 120.0
"""Seconds that a pod has to come, its image included, and to go on after one that ended."""


def fit(site: Site, *, detach: bool) -> None:
    """Refuse what cannot be.

    Raises:
        UsageError: there is no such Job in the settings, or somebody else is asked for too.
    """
    if detach:
        raise UsageError("--detach and --in-cluster ask for two drivers", hint="leave one of them out")
    _declared(site)


def station(site: Site, rollout: Rollout) -> Rollout:
    """Have the Job drive, and say what happens; what is left for Pulumi is done here. Returns it as it ended.

    Raises:
        DeployError: the cluster does not take the Job: the rollout has begun, and nobody drives it.
        TimedOut: the Job does not drive.
    """
    name = rollout.opened.rollout
    errand = Errand(site.contract, _declared(site), name)
    site.begin(rollout)
    errand.begin()
    site.ask(name, "drive", me())  # else it stands by
    sys.stderr.write(f"Job {errand.name} drives it: Ctrl-C ends the watching alone, crossfade abort takes it back\n")
    rollout = follow(site, rollout, _STARTS)
    if rollout.phase is Phase.REVERTING:
        rollout = drive(site, rollout)
    return rollout


def _declared(site: Site) -> Backend:
    driver = site.contract.driver
    if driver is None:
        raise UsageError(
            "no Job is declared that could drive",
            where=str(site.project.settings(site.name)),
            cause="only in a cluster, with the journal there, and with an image",
            hint="crossfade:kubernetes:\n  driver: {image: registry.example.com/crossfade:1}\nthen: pulumi up",
        )
    return driver
