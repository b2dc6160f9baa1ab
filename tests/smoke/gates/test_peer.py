"""A peer in trouble, on both runtimes: each fault is what it says, and a program that takes another branch is found."""

import socket
from collections.abc import Iterator
from contextlib import suppress
from threading import Thread

import pytest

from infra.targets.local.machine import interpreter
from smoke.errors import UsageError
from smoke.evidence import Outcome
from smoke.gates import Answer, gate
from smoke.gates.faulty import FAULTS, Faulty

pytestmark = pytest.mark.processes
ANSWER = b"the price is 64000.17, and all is well\n"
ASKS = """
import os, socket
host, port = os.environ["CROSSFADE_PEER"].split(":")
for attempt in (1, 2):
    try:
        with socket.create_connection((host, int(port)), 1.0) as peer:
            peer.sendall(b"price\\n")
            said = b""
            while not said.endswith(b"\\n"):
                part = peer.recv(100)
                if not part: raise EOFError("cut")
                said += part
            print("said", said.decode())
            break
    except EOFError as error: print(attempt, error)
"""
BRANCHES = (
    ASKS
    + """
    except OSError: print(attempt, "the network, connect again")
    except socket.timeout: print(attempt, "a timeout, cancel the order")
"""
)
ALIKE = ASKS + "    except (OSError, socket.timeout) as error: print(attempt, 'trouble')\n"
ASYNC = """
import asyncio, os
async def main():
    host, port = os.environ["CROSSFADE_PEER"].split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(b"price\\n")
    try:
        try: print(await asyncio.wait_for(reader.readline(), 0.3))
        except OSError: print("the network: connect again")
    except asyncio.TimeoutError: print("a timeout: cancel the order")
asyncio.run(main())
"""


@pytest.fixture(name="peer")
def _peer() -> Iterator[str]:
    """A peer that answers every question with one line."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = Thread(target=_answer, args=(listener,))
        thread.start()
        yield f"127.0.0.1:{listener.getsockname()[1]}"
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()


def _answer(listener: socket.socket) -> None:
    with suppress(OSError):
        while True:
            connection, _ = listener.accept()
            with suppress(OSError), connection:
                if connection.recv(100):
                    connection.sendall(ANSWER)


def met(programs: tuple[str, str], peer: str, program: str, fault: str = "all") -> Answer:
    """What the gate says of a program."""
    return gate("peer")([fault, peer, *programs, "-c", program])


def _said(fault: str, peer: str) -> tuple[list[str], Faulty]:
    """What two connections behind a fault get, in words."""
    host, _, port = peer.rpartition(":")
    found = []
    with Faulty(fault, host, int(port)) as proxy:
        for _ in range(2):
            address, _, own = proxy.address.rpartition(":")
            try:
                with socket.create_connection((address, int(own)), 1.0) as connection:
                    connection.sendall(b"price\n")
                    text = b""
                    while part := connection.recv(100):
                        text += part
                    found.append("whole" if text == ANSWER else f"{len(text)} bytes")
            except TimeoutError:
                found.append("silence")
            except OSError as error:
                found.append(type(error).__name__)
    return found, proxy


@pytest.mark.parametrize(
    ("fault", "seen", "hurt"),
    [
        ("reset", ["ConnectionResetError", "whole"], 1),
        ("half", ["16 bytes", "whole"], 1),
        ("refused", ["ConnectionResetError", "whole"], 1),
        ("slow", ["silence", "silence"], 2),
        ("dead", ["silence", "silence"], 2),
    ],
)
def test_each_fault_is_what_it_says(peer: str, fault: str, seen: list[str], hurt: int) -> None:
    """By the number of the connection, and never by chance."""
    found, proxy = _said(fault, peer)
    assert (found, proxy.connections, proxy.hurt) == (seen, 2, hurt)


def test_a_program_that_takes_them_alike_passes(programs: tuple[str, str], peer: str) -> None:
    """All five faults are met on both, and come out the same."""
    found = met(programs, peer, ALIKE)
    assert (found.outcome, found.n) == (Outcome.PASS, len(FAULTS)), found.text()


def test_another_branch_is_found(programs: tuple[str, str], peer: str) -> None:
    """What a program does otherwise behind a fault is told with the fault's name."""
    other = ALIKE.replace("'trouble'", "'trouble' if os.environ['WHICH'] == 'old' else 'reconnect'")
    found = met(programs, peer, other, "slow")
    assert found.outcome is Outcome.FAIL
    assert "slow: trouble before, reconnect after" in found.detail


@pytest.mark.parametrize("program", [BRANCHES, ASYNC], ids=["socket", "asyncio"])
def test_a_timeout_that_is_an_oserror_now_is_found(peer: str, program: str) -> None:
    """On 3.9 it is a timeout, on 3.12 the network's error: the order is cancelled, or it is connected again."""
    before, after = interpreter("py39"), interpreter("py312")
    if before is None or after is None:
        pytest.skip("wants Python 3.9 and 3.12")
    found = met((str(before), str(after)), peer, program, "slow")
    if program is ASYNC:
        assert (found.outcome, "a before, the after" in found.detail) == (Outcome.FAIL, True), found.text()
    else:  # socket.timeout was an OSError on 3.9 already, and both take one branch
        assert found.outcome is Outcome.PASS, found.text()


def test_one_that_never_connects_has_met_nothing(programs: tuple[str, str], peer: str) -> None:
    """A pass of a program that met no fault would be none; an interpreter that is none has measured nothing."""
    found = met(programs, peer, "print('fine')", "reset")
    assert (found.outcome, "CROSSFADE_PEER" in found.detail) == (Outcome.UNMEASURED, True)
    assert met(("/nowhere/a", "/nowhere/b"), peer, "1", "reset").outcome is Outcome.UNMEASURED


@pytest.mark.parametrize("words", ["slow a:1 b c", "storm a:1 b c d", "slow a b c d", "slow a:x b c d"])
def test_what_makes_no_sense_is_refused(words: str) -> None:
    """Each has a hint with what to write."""
    with pytest.raises(UsageError) as caught:
        gate("peer")(words.split())
    assert caught.value.hint
