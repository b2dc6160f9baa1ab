"""What holds for the tcp probe beyond the suite for all."""

import socket
from contextlib import closing

import pytest

from smoke.model import Answer
from smoke.probes import probe
from smoke.probes.owner import owners
from tests.smoke.probes.cases import backend
from tests.smoke.probes.peers import OTHER, VERSION, Peer, ended, listening, placed, process, silent

pytestmark = pytest.mark.processes


def test_says_who_listens() -> None:
    """The detail has the process's id and name, and its memory is measured."""
    with listening(VERSION) as address:
        reading = ended(probe(backend("tcp")), placed(address=address))
    assert reading.detail.startswith("pid ")
    assert reading.detail.endswith(" listens")
    assert reading.numbers["rss_mb"] > 1


def test_who_was_not_placed_is_not_well() -> None:
    """A process without a version is named, and fails."""
    with Peer(silent) as peer:
        reading = ended(probe(backend("tcp")), placed(address=peer.address))
    assert reading.answer is Answer.FAILED
    assert "was not placed here: it has no CROSSFADE_VERSION" in reading.detail


def test_an_address_beats_any_address() -> None:
    """Of two processes on one port, the one at this very address is meant, as the kernel means it."""
    with listening(VERSION) as address, socket.socket() as any_address:
        any_address.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        any_address.bind(("127.0.0.2", int(address.rpartition(":")[2])))
        any_address.listen()
        assert ended(probe(backend("tcp")), placed(address=address)).answer is Answer.OK


def test_two_that_share_a_port_must_both_be_right() -> None:
    """Where one of several processes that share a port is another version, that one is told."""
    code = (
        "import socket, sys\n"
        "server = socket.socket(); server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)\n"
        "server.bind(('127.0.0.1', int(sys.stdin.readline()))); server.listen()\n"
        "print(server.getsockname()[1], flush=True); sys.stdin.read()"
    )
    with process(code, CROSSFADE_VERSION=VERSION) as right, process(code, CROSSFADE_VERSION=OTHER) as wrong:
        port = 0
        for each in (right, wrong):
            assert each.stdin is not None
            assert each.stdout is not None
            each.stdin.write(b"%d\n" % port)
            each.stdin.flush()
            port = int(each.stdout.readline())
        reading = ended(probe(backend("tcp")), placed(address=f"127.0.0.1:{port}"))
    assert reading.impostor
    assert f"pid {wrong.pid}" in reading.detail


def test_an_instance_is_the_same_at_every_look() -> None:
    """The word for a process stays the same as long as it runs, and differs from that of the next."""
    with listening(VERSION) as one, listening(VERSION) as two:
        seen = []
        for address in (one, one, two):
            host, _, port = address.rpartition(":")
            with closing(socket.create_connection((host, int(port)))) as connection:
                seen.append(owners(connection, placed(address=address))[0].instance)
    assert None not in seen
    assert seen[0] == seen[1] != seen[2]
