"""What holds for Ctrl-C and SIGTERM while a rollout is driven: in a real terminal, and without one."""

import os
import pty
import select
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest

from smoke.errors import Exit
from smoke.rollout import Phase, Wait
from tests.smoke.cli.program import PROGRAM
from tests.smoke.cli.shop import SLOW, Shop, ended

pytestmark = pytest.mark.processes
PROMPT = "b, h or g, and Enter; anything else: it goes on here"
CTRL_C = b"\x03"
LIMIT = 60.0


class Terminal:
    """A person at a terminal in which a rollout is driven."""

    def __init__(self, shop: Shop, *, table: bool) -> None:
        self._shop = shop
        self._ours, theirs = pty.openpty()
        self._shown = ""
        out = theirs if table else subprocess.DEVNULL
        words = [str(PROGRAM), "promote", "--stack", "staging"]
        self.driver = shop.start(
            words, user="ann", stdin=theirs, stdout=out, stderr=theirs, start_new_session=True, preexec_fn=_own_terminal
        )
        os.close(theirs)
        shop.until(lambda rollout: rollout.phase is Phase.BAKING)

    def types(self, keys: bytes) -> None:
        """Press keys."""
        os.write(self._ours, keys)

    def read_until(self, words: str) -> str:
        """What was shown until these words, and since the last time."""
        deadline = time.monotonic() + LIMIT
        while words not in self._shown:
            assert time.monotonic() < deadline, self._shown
            self._read(1.0)
        shown, _, self._shown = self._shown.partition(words)
        return shown + words

    def ended(self) -> tuple[int, str]:
        """Exit code, and the rest of what was shown, once the program has ended."""
        deadline = time.monotonic() + LIMIT
        while self.driver.poll() is None:
            assert time.monotonic() < deadline, self._shown
            self._read(0.2)
        self._read(0.2)
        return self.driver.returncode, self._shown

    def close(self) -> None:
        """Leave."""
        os.close(self._ours)

    def _read(self, seconds: float) -> None:
        if select.select([self._ours], [], [], seconds)[0]:
            with suppress(OSError):  # what Linux says once nobody is at the other end
                self._shown += os.read(self._ours, 65536).decode(errors="replace")


def _own_terminal() -> None:
    """Have the keys of the terminal on standard input send their signals here."""
    import fcntl  # noqa: PLC0415 - in the child alone
    import termios  # noqa: PLC0415

    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


@contextmanager
def sitting(shop: Shop, *, table: bool = False) -> Iterator[Terminal]:
    """A person at a terminal."""
    shop.declare(SLOW)
    terminal = Terminal(shop, table=table)
    try:
        yield terminal
    finally:
        terminal.close()


@pytest.mark.parametrize("table", [False, True])
def test_the_first_asks_and_the_rollout_goes_on(shop: Shop, *, table: bool) -> None:
    """Nothing is asked of the rollout before there is an answer; whatever is no answer leaves it here; and one may ask anew."""
    with sitting(shop, table=table) as terminal:
        for answer in (b"\r", b"what?\r"):
            terminal.types(CTRL_C)
            terminal.read_until(PROMPT)
            terminal.types(answer)
            terminal.read_until("it goes on here")
        terminal.types(CTRL_C)
        terminal.read_until(PROMPT)
        requests, driven = shop.requests(), terminal.driver.poll() is None
        terminal.types(b"g\r")
        code, shown = terminal.ended()

    assert (requests, driven, code) == ([], True, Exit.HELD)
    assert "it is to go back" in shown
    assert "Traceback" not in shown
    assert shop.told().phase is Phase.ROLLED_BACK


def test_back_to_the_live_slot(shop: Shop) -> None:
    """The answer g goes back, by name, and the question names the slot."""
    with sitting(shop) as terminal:
        terminal.types(CTRL_C)
        question = terminal.read_until(PROMPT)
        terminal.types(b"g\r")
        code, _ = terminal.ended()
    because = shop.told().because[0]

    assert (code, "go back to blue" in question) == (Exit.HELD, True)
    assert (because.startswith("aborted by ann@"), because.endswith(": Ctrl-C")) == (True, True)


def test_hold(shop: Shop) -> None:
    """The answer h holds it, driven from here on all the same, until somebody resumes it."""
    with sitting(shop) as terminal:
        terminal.types(CTRL_C)
        terminal.read_until(PROMPT)
        terminal.types(b"h\r")
        terminal.read_until("it is to hold")
        held = shop.until(lambda rollout: rollout.waits is Wait.PERSON)
        resumed = shop.crossfade("resume", user="bob")
        terminal.read_until("resumed by bob@")

    assert (held.phase, held.share, resumed.returncode) == (Phase.HELD, 10, Exit.WANTED)


def test_in_the_background(shop: Shop) -> None:
    """The answer b leaves it to the watchdog, which drives on; the program ends, and says where it can be watched."""
    shop.watchdog()
    with sitting(shop) as terminal:
        pid = terminal.driver.pid
        terminal.types(CTRL_C)
        terminal.read_until(PROMPT)
        terminal.types(b"b\r")
        code, shown = terminal.ended()
    paused = shop.crossfade("pause", user="bob")

    assert code == Exit.HELD
    assert "it goes on in the background: crossfade watch shows it, crossfade abort takes it back" in shown
    assert "Traceback" not in shown
    assert (paused.returncode, f"process {pid}," in shop.crossfade("status").stdout) == (Exit.WANTED, False)


def test_nobody_in_the_background(shop: Shop) -> None:
    """Where nobody would go on with it the answer b leaves it where it is driven, and says so."""
    with sitting(shop) as terminal:
        terminal.types(CTRL_C)
        terminal.read_until(PROMPT)
        terminal.types(b"b\r")
        terminal.read_until("nobody is there who would go on with it in the background: it goes on here")
        requests, driven = shop.requests(), terminal.driver.poll() is None
        terminal.driver.send_signal(signal.SIGTERM)
        terminal.ended()

    assert (requests, driven) == ([], True)


def test_the_second_holds_and_the_third_ends(shop: Shop) -> None:
    """Who presses it once more has it held; and who presses it again leaves, and the rollout stays where it is."""
    with sitting(shop) as terminal:
        terminal.types(CTRL_C)
        terminal.read_until(PROMPT)
        terminal.types(CTRL_C)
        terminal.read_until("it is to hold; once more ends this program, and leaves everything as it is")
        held = shop.until(lambda rollout: rollout.waits is Wait.PERSON)
        terminal.types(CTRL_C)
        code, shown = terminal.ended()
    left = shop.told()

    assert (held.phase, code) == (Phase.HELD, Exit.HELD)
    assert "Traceback" not in shown
    assert (left.phase, left.share) == (Phase.HELD, 10)
    assert "nobody drives it" in shop.crossfade("status").stdout


def test_sigterm_goes_back_also_in_a_terminal(shop: Shop) -> None:
    """Whoever ends the machine does not wait for an answer."""
    with sitting(shop) as terminal:
        terminal.driver.send_signal(signal.SIGTERM)
        code, shown = terminal.ended()

    assert (code, "Traceback" in shown, PROMPT in shown) == (Exit.HELD, False, False)
    assert shop.told().because[0].endswith(": SIGTERM")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_without_a_terminal_it_goes_back(number: signal.Signals, shop: Shop) -> None:
    """Nobody can be asked: all traffic goes back, the stack with it, and the program ends by itself."""
    shop.declare(SLOW)
    driver = shop.begin("promote")
    shop.until(lambda rollout: rollout.phase is Phase.BAKING)
    driver.send_signal(number)
    code, said = ended(driver)
    rollout = shop.told()

    assert (code, rollout.phase, rollout.because[0].endswith(f": {number.name}")) == (Exit.HELD, Phase.ROLLED_BACK, True)
    assert "it is to go back; once more ends this program, and leaves everything as it is\n" in said
    assert "Traceback" not in said


def test_without_a_terminal_the_second_ends(shop: Shop) -> None:
    """Where going back takes too long for somebody, the program can still be ended; what it left can be gone on with."""
    (shop.folder / "asked.after").write_text("exec sleep 600", encoding="utf-8")
    shop.declare(SLOW)
    driver = shop.begin("promote")
    shop.until(lambda rollout: rollout.phase is Phase.BAKING)
    driver.send_signal(signal.SIGINT)
    shop.until(lambda rollout: rollout.phase is Phase.REVERTING and bool(shop.asked()))
    driver.send_signal(signal.SIGINT)
    code, said = ended(driver)

    assert (code, "Traceback" in said) == (Exit.HELD, False)
    assert shop.told().phase is Phase.REVERTING
