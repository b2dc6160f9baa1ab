"""Telling people what becomes of a rollout: one sentence, to each place that the settings name.

A place is an address that takes a message, or a command that is given it on its standard input. The address is in a file that
nobody else may read: whoever has it may write there. Messages are sent beside the rollout, which waits for none.
"""

import json
import shlex
import stat
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any
from urllib.parse import urlsplit

from smoke.foreign import shortened
from smoke.process import how, last_line, run
from smoke.redaction import redacted
from smoke.seams import Clock

_LIMIT = 10.0
"""Seconds that one attempt may take."""
_PAUSES = (1.0, 3.0)
"""Seconds before each further attempt."""
_MOST = 2000
"""Characters of a message."""


@dataclass(frozen=True, slots=True)
class Notice:
    """What is told."""

    stack: str
    text: str
    at: float
    """Seconds since 1970."""
    rollout: str = ""
    """Empty: it is about none."""
    phase: str = ""


@dataclass(frozen=True, slots=True)
class Delivery:
    """What became of a message to one place."""

    place: str
    why: str
    """Empty: it was taken."""

    @property
    def done(self) -> bool:
        """Whether it was taken."""
        return not self.why


def _slack(notice: Notice) -> Mapping[str, Any]:
    return {"text": f"*{notice.stack}* {notice.phase}: {notice.text}" if notice.phase else f"*{notice.stack}*: {notice.text}"}


FORMS: Mapping[str, Callable[[Notice], Mapping[str, Any]]] = {"json": asdict, "slack": _slack}
"""What an address is sent, by the word in the settings."""


class Notifier:
    """Sends a message to every place."""

    def __init__(self, places: Mapping[str, Mapping[str, Any]], folder: Path, clock: Clock) -> None:
        """Know the places, as the settings have them; files and commands are of the project's folder."""
        self.places = places
        self._folder = folder
        self._clock = clock

    def send(self, notice: Notice) -> Sequence[Delivery]:
        """Tell all of them, one after the other, without secrets. Never raises for what a place does."""
        short = replace(notice, text=redacted(notice.text)[:_MOST])
        return [Delivery(name, self._told(place, short)) for name, place in self.places.items()]

    def _told(self, place: Mapping[str, Any], notice: Notice) -> str:
        command = place.get("command")
        if command:
            return self._commanded(shlex.split(command) if isinstance(command, str) else list(command), notice)
        try:
            address = self._address(self._folder / Path(str(place.get("url_file"))).expanduser())
        except (OSError, ValueError) as error:
            return str(error)
        message = FORMS[str(place.get("form") or "json")](notice)
        why = _posted(address, message)
        for pause in _PAUSES:
            if not why:
                break
            self._clock.sleep(pause)
            why = _posted(address, message)
        return why

    def _commanded(self, words: Sequence[str], notice: Notice) -> str:
        with NamedTemporaryFile("w", encoding="utf-8", prefix="crossfade-notice-") as file:
            file.write(json.dumps(asdict(notice)) + "\n")
            file.flush()
            try:
                ended = run(words, str(self._folder), _LIMIT, told=file.name)
            except (OSError, ValueError) as error:
                return f"{words[0]} cannot be started: {error}"
        if ended.status is None:
            return f"{words[0]} did not end within {_LIMIT:g} s"
        return "" if ended.status == 0 else f"{words[0]}: {how(ended.status)} {shortened(last_line(ended.err))}".rstrip()

    @staticmethod
    def _address(file: Path) -> str:
        """What is in the file; its text is in no error, for it is a secret.

        Raises:
            OSError: it cannot be read.
            ValueError: others may read it too, or it has no address.
        """
        if file.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise ValueError(f"{file} can be read by others: chmod 600 {file}")
        address = file.read_text(encoding="utf-8").strip()
        if urlsplit(address).scheme not in {"http", "https"} or not urlsplit(address).hostname or " " in address:
            raise ValueError(f"{file} has no address that begins with https:// or http://")
        return address


def _posted(address: str, message: Mapping[str, Any]) -> str:
    """Why it was not taken; empty: it was. A redirect is no delivery: who is behind it was not named."""
    import httpx  # noqa: PLC0415 - whoever tells nobody does not wait for it

    host = urlsplit(address).hostname
    try:
        answer = httpx.post(address, json=message, timeout=_LIMIT, follow_redirects=False)
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        return f"{host} does not answer: {type(error).__name__}"  # its own words may have the address
    return "" if answer.is_success else f"{host} answers {answer.status_code}"
