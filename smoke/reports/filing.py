"""The incident report that is written by itself, beside the journal of its rollout."""

import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from smoke.private import write_private
from smoke.reports.html import incident_page
from smoke.reports.incident import incident
from smoke.reports.incident_told import markdown
from smoke.rollout import Event


def file_incident(folder: Path, rollout: str, events: Sequence[Event]) -> Sequence[Path]:
    """Write what is known of a rollout that went back with traffic, for its owner alone; returns the files, none of another.

    Raises:
        OSError: they cannot be written.
    """
    found = incident(events)
    if found is None:
        return ()
    texts = {"md": markdown(events, found), "html": incident_page(events, found)}
    files = {folder / f"{rollout}.incident.{suffix}": text for suffix, text in texts.items()}
    for file, text in files.items():
        write_private(file, text)
    return tuple(files)


def keep_incident(rollout: str, folder: Callable[[], Path], events: Callable[[], Sequence[Event]]) -> None:
    """The same for whoever drove it to its end: says where it is, or why it is not, and never raises."""
    try:
        files = file_incident(folder(), rollout, events())
        said = f"incident report: {' and '.join(map(str, files))}" if files else ""
    except Exception as error:  # noqa: BLE001 - the rollout has ended as it should, whatever becomes of a text about it
        said = f"the incident report could not be written ({error}); crossfade incident {rollout} prints it"
    if said:
        with suppress(OSError, ValueError):  # nobody listens any more
            sys.stderr.write(f"{said}\n")
