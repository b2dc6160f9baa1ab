"""Who goes on with a rollout, or takes it back, should whoever drives it be gone."""

import sys
from collections.abc import Callable

from smoke.errors import CrossfadeError
from smoke.guard import on_guard
from smoke.job import Errand
from smoke.rollout import Phase, Rollout
from smoke.wiring import Site


def stand_by(site: Site, rollout: Rollout) -> Callable[[], bool]:
    """Have somebody stand by where that is not so anyway; returns what says whether somebody does.

    On one machine it is the stack's watchdog, in a cluster the Job that may drive too, where one is declared.
    """
    if site.contract.journal is None:
        return lambda: on_guard(site.folder, site.clock.now())
    begun = rollout.phase is not Phase.REVERTING and _begun(site, rollout)
    return lambda: begun


def _begun(site: Site, rollout: Rollout) -> bool:
    driver = site.contract.driver
    if driver is None:
        return False
    site.begin(rollout)  # or it finds nothing, and goes
    try:
        Errand(site.contract, driver, rollout.opened.rollout).begin()
    except CrossfadeError as error:
        sys.stderr.write(f"nobody takes it back should this terminal go: {error}\n")
        return False
    return True
