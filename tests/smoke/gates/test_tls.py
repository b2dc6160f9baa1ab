"""Every peer by TLS, from a runtime: who refuses it is named, and so is the certificate that ends first."""

import shutil
import socket
import ssl
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from threading import Thread

import pytest

from infra.targets.local.machine import interpreter
from smoke.errors import UsageError
from smoke.evidence import Outcome
from smoke.gates import Answer, gate

Serve = Callable[..., str]


@pytest.fixture(name="serve")
def _serve(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Serve]:
    """Begins a peer with a certificate for so many days, which is trusted here; returns its host and port."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("wants openssl")
    trusted = tmp_path / "trusted.pem"
    monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
    with ExitStack() as stack:

        def serve(days: int = 90, *, trust: bool = True, newest: ssl.TLSVersion | None = None, bits: int = 2048) -> str:
            key, certificate = (tmp_path / f"{name}-{days}-{bits}.pem" for name in ("key", "certificate"))
            subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
            made = ["req", "-x509", "-newkey", f"rsa:{bits}", "-nodes", "-days", str(days), *subject]
            subprocess.run([openssl, *made, "-keyout", str(key), "-out", str(certificate)], check=True, capture_output=True)
            if trust:
                with trusted.open("a", encoding="utf-8") as file:
                    file.write(certificate.read_text(encoding="utf-8"))
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.set_ciphers("ALL:@SECLEVEL=0")
            if newest is not None:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore", DeprecationWarning)  # which is what this is about
                    context.minimum_version = context.maximum_version = newest
            context.load_cert_chain(certificate, key)
            listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
            thread = Thread(target=_answer, args=(listener, context))
            thread.start()
            stack.callback(thread.join)
            stack.callback(listener.shutdown, socket.SHUT_RDWR)
            return f"localhost:{listener.getsockname()[1]}"

        yield serve


def _answer(listener: socket.socket, context: ssl.SSLContext) -> None:
    with suppress(OSError):
        while True:
            plain, _ = listener.accept()
            with suppress(OSError), context.wrap_socket(plain, server_side=True) as peer:
                peer.recv(1)


def asked(*peers: str, days: str = "21", python: str = sys.executable) -> Answer:
    """What the gate says of these peers."""
    return gate("tls")([days, python, *peers])


@pytest.mark.processes
def test_the_first_certificate_to_end_is_the_measure(serve: Serve) -> None:
    """All peers take the connection; what counts is the one that ends first."""
    long, short = serve(90), serve(30)
    found = asked(long, short)
    assert (found.outcome, found.n) == (Outcome.PASS, 2)
    assert found.value == pytest.approx(30, abs=0.1)
    assert short in found.detail
    assert found.lines[0].startswith(f"{long}: TLSv1.3, ")
    assert asked(long, short, days="31").outcome is Outcome.FAIL


@pytest.mark.processes
def test_who_cannot_be_connected_to_is_named(serve: Serve) -> None:
    """One that nobody trusts, and one that is not there."""
    good, strange = serve(90), serve(40, trust=False)
    found = asked(good, strange, "localhost:1")
    assert found.outcome is Outcome.FAIL
    assert found.detail.startswith("2 of 3 peers cannot be connected to: ")
    assert ("self-signed" in found.detail.replace("self signed", "self-signed"), "ConnectionRefusedError" in found.detail) == (
        True,
        True,
    )


@pytest.mark.processes
def test_a_peer_of_yesterday_is_refused_by_the_new_runtime(serve: Serve) -> None:
    """One that knows TLS 1.1 alone is refused by 3.12."""
    new = interpreter("py312")
    if new is None:
        pytest.skip("wants Python 3.12")
    peer = serve(newest=ssl.TLSVersion.TLSv1_1)
    found = asked(peer, python=str(new))
    assert (found.outcome, "SSLError" in found.detail) == (Outcome.FAIL, True), found.detail


@pytest.mark.processes
@pytest.mark.parametrize("python", ["/nowhere/python", "/bin/cat", "/bin/true"])
def test_who_does_not_answer_has_measured_nothing(python: str) -> None:
    """An interpreter that is none."""
    assert asked("localhost:1", python=python).outcome is Outcome.UNMEASURED


@pytest.mark.parametrize(
    "words", ["21 python", "x python host", "21 python host:x", "21 python https://host/", "21 python host:70000"]
)
def test_what_makes_no_sense_is_refused(words: str) -> None:
    """Each has a hint with what to write."""
    with pytest.raises(UsageError) as caught:
        gate("tls")(words.split())
    assert caught.value.hint
