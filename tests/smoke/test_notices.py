"""People are told what becomes of a rollout: by an address or a command; who was not told is named, and no secret with it."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from smoke.clock import FakeClock
from smoke.notices import Notice, Notifier

pytestmark = pytest.mark.processes
NOTICE = Notice("staging", "FAILED: too many errors", 1000.0, "r7", "aborting")


@dataclass
class Chat:
    """A server that takes messages, with the answers that it gives in turn."""

    answers: list[int] = field(default_factory=list)
    taken: list[Any] = field(default_factory=list)
    url: str = ""


@pytest.fixture(name="chat")
def _chat() -> Iterator[Chat]:
    chat = Chat()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            chat.taken.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(chat.answers.pop(0) if chat.answers else 200)
            self.send_header("Location", "/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *words: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        chat.url = f"http://127.0.0.1:{server.server_port}/hook/s3cr3t"
        yield chat
        server.shutdown()
        thread.join()


def secret(folder: Path, text: str, mode: int = 0o600) -> str:
    """A file with an address; its name."""
    file = folder / "team.url"
    file.write_text(f"{text}\n", encoding="utf-8")
    file.chmod(mode)
    return file.name


def why(folder: Path, place: dict[str, Any], notice: Notice = NOTICE) -> str:
    """Why a place was not told; empty: it was."""
    (delivery,) = Notifier({"team": place}, folder, FakeClock()).send(notice)
    assert "s3cr3t" not in delivery.why, "an address is a secret"
    return delivery.why


def test_an_address_takes_a_message(tmp_path: Path, chat: Chat) -> None:
    """In the form that it wants: all of it as JSON, or a sentence as chats have them."""
    file = secret(tmp_path, chat.url)
    assert why(tmp_path, {"url_file": file}) == ""
    assert why(tmp_path, {"url_file": file, "form": "slack"}) == ""
    whole = {"stack": "staging", "text": NOTICE.text, "at": 1000.0, "rollout": "r7", "phase": "aborting"}
    assert chat.taken == [whole, {"text": "*staging* aborting: FAILED: too many errors"}]


def test_a_secret_in_a_message_is_not_told(tmp_path: Path, chat: Chat) -> None:
    """What is said outside of this machine goes through what everything goes through that is said."""
    notice = replace(NOTICE, text="FAILED: psql --password=hunter2222 https://ann:hunter2222@db/ ended with 3")
    assert why(tmp_path, {"url_file": secret(tmp_path, chat.url)}, notice) == ""
    assert "hunter2222" not in str(chat.taken)
    assert "FAILED: psql" in str(chat.taken)


def test_it_is_tried_again(tmp_path: Path, chat: Chat) -> None:
    """A moment's trouble loses no message; what lasts is told with the answer."""
    chat.answers = [503, 500]
    assert why(tmp_path, {"url_file": secret(tmp_path, chat.url)}) == ""
    chat.answers = [503] * 3
    assert why(tmp_path, {"url_file": "team.url"}) == "127.0.0.1 answers 503"
    assert len(chat.taken) == 6


@pytest.mark.parametrize("status", [302, 307, 404])
def test_a_redirect_is_no_delivery(tmp_path: Path, chat: Chat, status: int) -> None:
    """Who is behind it was not named."""
    chat.answers = [status] * 3
    assert why(tmp_path, {"url_file": secret(tmp_path, chat.url)}) == f"127.0.0.1 answers {status}"


def test_nobody_there_is_told(tmp_path: Path, unused: int) -> None:
    """An address without a server is named by its host alone."""
    found = why(tmp_path, {"url_file": secret(tmp_path, f"http://127.0.0.1:{unused}/s3cr3t")})
    assert found == "127.0.0.1 does not answer: ConnectError"


@pytest.fixture(name="unused")
def _unused() -> int:
    with ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as server:
        return server.server_port


@pytest.mark.parametrize("text", ["", "s3cr3t", "ftp://host/s3cr3t", "http://", "http://host/a b"])
def test_a_file_without_an_address_is_named(tmp_path: Path, text: str) -> None:
    """Never with what is in it."""
    assert "has no address" in why(tmp_path, {"url_file": secret(tmp_path, text)})


def test_a_file_that_others_can_read_is_refused(tmp_path: Path, chat: Chat) -> None:
    """Whoever has the address may write there; the answer says what to do. A file that is not there is named."""
    assert "chmod 600" in why(tmp_path, {"url_file": secret(tmp_path, chat.url, 0o640)})
    assert "gone.url" in why(tmp_path, {"url_file": "gone.url"})
    assert chat.taken == []


@pytest.mark.parametrize("form", ["text", "list"])
def test_a_command_is_given_the_message(tmp_path: Path, form: str) -> None:
    """On its standard input, in the project's folder; as a text or as words."""
    command: Any = "sh -c 'cat > told.json'" if form == "text" else ["sh", "-c", "cat > told.json"]
    assert why(tmp_path, {"command": command}) == ""
    assert json.loads((tmp_path / "told.json").read_text(encoding="utf-8"))["text"] == NOTICE.text


def test_a_command_that_fails_is_told(tmp_path: Path) -> None:
    """With its exit status and its last word; one that is not there too."""
    assert why(tmp_path, {"command": "sh -c 'echo no >&2; exit 3'"}) == "sh: exit status 3 no"
    assert "cannot be started" in why(tmp_path, {"command": "/nowhere/at/all"})


def test_one_that_fails_keeps_no_other_from_it(tmp_path: Path, chat: Chat) -> None:
    """Each place is told for itself."""
    places: dict[str, dict[str, Any]] = {"gone": {"command": "false"}, "team": {"url_file": secret(tmp_path, chat.url)}}
    assert [each.done for each in Notifier(places, tmp_path, FakeClock()).send(NOTICE)] == [False, True]
