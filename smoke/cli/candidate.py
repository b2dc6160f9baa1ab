"""What is asked of a candidate before it is one: the gates of its images, remembered by its release."""

import json
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from smoke.errors import Exit, GateClosed
from smoke.private import write_private
from smoke.wiring import Site

if TYPE_CHECKING:
    from smoke.imagecheck import ImageReport


class Undecided(GateClosed):
    """A gate could not tell, which is never a yes."""

    exit = Exit.UNDECIDED


def check_images(site: Site, slot: str, override: str) -> None:
    """Refuse a candidate whose images fail a check, or that could not be checked, unless somebody says why it may go on.

    What was found is kept beside the journal. A release that passed is not checked again: its images are named by their content.

    Raises:
        GateClosed: an image fails.
        Undecided: an image could not be checked, and nobody says why that will do.
    """
    placed = [service.placements[slot] for service in site.contract.services if slot in service.placements]
    if not any(each.container for each in placed) or _passed(_file(site, slot)):
        return
    from smoke.imagecheck import Verdict  # noqa: PLC0415 - processes have no images

    sys.stderr.write(f"checking the images of {slot}, before it gets traffic\n")
    report = examined(site, slot)
    wrong = [each for each in report.findings if each.verdict is report.verdict]
    cause, hint = "\n".join(f"{each.id}: {each.because}" for each in wrong), f"crossfade images --slot {slot}"
    if report.verdict is Verdict.FAIL:
        raise GateClosed(f"the images of {slot} must not get traffic", where=site.name, cause=cause, hint=hint)
    if report.verdict is Verdict.UNDECIDED and not override:
        hint += "\ncrossfade promote --because WHY goes on without, and records why"
        raise Undecided(f"the images of {slot} could not be checked as a whole", where=site.name, cause=cause, hint=hint)


def examined(site: Site, slot: str) -> "ImageReport":
    """What is true of the images of a slot, now; it is kept for whoever asks later.

    Raises:
        CrossfadeError: there are none, or the engine does not answer.
    """
    from smoke.imagecheck import checked  # noqa: PLC0415 - processes have no images

    report = checked(site.contract, slot)
    write_private(_file(site, slot), json.dumps(report.to_json(), indent=1))
    return report


def _file(site: Site, slot: str) -> Path:
    return site.folder / "images" / f"{site.contract.releases.get(slot, slot)}.json"


def _passed(file: Path) -> bool:
    with suppress(OSError, ValueError, LookupError, TypeError):
        return bool(json.loads(file.read_bytes())["verdict"] == "pass")
    return False
