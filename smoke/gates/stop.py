"""How a program ends on both runtimes: ``crossfade gate stop SECONDS READY BEFORE AFTER WORD...``.

``10 http://127.0.0.1:8000/health/ {live} {candidate} -m service`` begins it, waits until it is ready (an address that answers
well, or a text that it writes), and asks it to end (SIGTERM). It has to, within so many seconds, as on the old one: with its exit
status, and all that it wrote on its way out. What flushes in a thread that begins then is refused by 3.12, and lost. The
old runtime runs twice: what it does not repeat itself is compared with nobody.
"""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from smoke.errors import UsageError
from smoke.evidence import Outcome
from smoke.foreign import shortened
from smoke.gates.answer import Answer
from smoke.gates.pair import told_apart
from smoke.gates.replay import compared
from smoke.process import Ended, for_strangers, killer, last_line
from smoke.redaction import redacted, secrets_in

_READY = 60.0
"""Seconds that it has to become ready."""
_PAUSE = 0.05
_MOST = 2**20
"""Bytes of what it wrote on its way out that are compared."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What became of one run."""

    ended: Ended
    """What it wrote after it was asked, and its exit status; None: it had to be killed."""
    seconds: float
    """From the signal to the end."""
    why: str = ""
    """Why it was never asked; empty: it was."""


def gate(given: Sequence[str]) -> Answer:
    """Run it three times, and compare.

    Raises:
        UsageError: a word makes no sense.
    """
    hint = "crossfade gate stop 10 'it is ready' .venv39/bin/python .venv312/bin/python -m service"
    if len(given) < 5 or not given[0].isdecimal() or int(given[0]) < 1:  # noqa: PLR2004 - see the hint
        raise UsageError("gate stop wants seconds, what is ready, two interpreters and a program", hint=hint)
    limit, (ready, before, after), words = float(given[0]), given[1:4], given[4:]
    told_apart(before, after)
    old, again, new = (asked([python, *words], ready, limit) for python in (before, before, after))
    return judged(old, again, new, limit)


def judged(old: Asked, again: Asked, new: Asked, limit: float) -> Answer:
    """What the three runs say."""
    broken = next((each.why for each in (old, again) if each.why), "")
    if broken:
        return Answer(Outcome.UNMEASURED, f"on the old runtime it {broken}", 0)
    if new.why:
        return Answer(Outcome.FAIL, f"on the new runtime it {new.why}", 1)
    lines = tuple(f"{which}: {each.seconds:.2f} s" for which, each in (("old", old), ("old again", again), ("new", new)))
    if new.ended.status is None:
        return Answer(Outcome.FAIL, f"it did not end within {limit:g} s, and was killed", 1, lines=lines)
    found = compared("its end", old.ended, again.ended, new.ended, 0.0)
    if found.why:
        return Answer(Outcome.FAIL, f"it ends otherwise: {found.why}", found.words, lines=lines)
    detail = f"it ends within {new.seconds:.2f} s, and says the same {found.words} words"
    return Answer(Outcome.PASS, detail, found.words, round(new.seconds, 3), "<=", limit, (), lines)


def asked(words: Sequence[str], ready: str, limit: float) -> Asked:
    """Begin it, wait until it is ready, ask it to end, and wait for that; nothing of it is left."""
    nothing = Ended(None, "", "")
    with TemporaryDirectory(prefix="crossfade-stop-") as folder:
        log = Path(folder, "log")
        try:
            with _running(words, log) as process:
                if not _waited(lambda: process.poll() is not None or _is_ready(ready, log), _READY):
                    return Asked(nothing, 0.0, f"was not ready within {_READY:g} s")
                if process.poll() is not None:
                    why = f"ended with {process.returncode} before it was ready: {shortened(last_line(_text(log)))}"
                    return Asked(nothing, 0.0, why)
                written, began = log.stat().st_size, time.monotonic()
                process.send_signal(signal.SIGTERM)
                with suppress(subprocess.TimeoutExpired):
                    process.wait(limit)
                status, seconds = process.returncode, time.monotonic() - began
            return Asked(Ended(status, _text(log, written), _text(log, written)), seconds)
        except (OSError, ValueError) as error:
            return Asked(nothing, 0.0, f"cannot be started: {error}")


@contextmanager
def _running(words: Sequence[str], log: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """The program, and all that it begins, for as long as the context lasts."""
    # Buffered as it is in production: what is lost in a buffer at the end is what is asked about.
    environment = {**for_strangers(os.environ), "PYTHONHASHSEED": "0"}
    with log.open("wb") as out:
        process = subprocess.Popen(
            words, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, env=environment, start_new_session=True
        )
    try:
        yield process
    finally:
        killer(process.pid)()
        process.wait()


def _is_ready(ready: str, log: Path) -> bool:
    if not ready.startswith(("http://", "https://")):
        return ready in _text(log)
    import httpx  # noqa: PLC0415 - a text needs none

    try:
        return httpx.get(ready, timeout=2.0).is_success
    except httpx.HTTPError:
        return False


def _waited(done: Callable[[], bool], limit: float) -> bool:
    until = time.monotonic() + limit
    while not done():
        if time.monotonic() > until:
            return False
        time.sleep(_PAUSE)
    return True


def _text(log: Path, start: int = 0) -> str:
    with log.open("rb") as file:
        file.seek(start)
        return redacted(file.read(_MOST).decode(errors="replace"), secrets_in(os.environ))
