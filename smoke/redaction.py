"""What is a secret by its form, its name or its value, and texts without it. Pure.

Values that a person gave, and what other programs said, go into messages, journals and reports; this is what they go through.
What must not be here: where secrets come from, and where texts go.
"""

import json
import re
from collections.abc import Collection, Mapping
from typing import IO, Any

HIDDEN = "***"
_SHORTEST = 8
"""Characters of a value that is looked for: a shorter one may be a common word, and no text could be read any more."""
_TOLD = frozenset({"because", "cause", "differs", "findings", "queries", "why"})
"""What of an event people read. The rest may decide what is deployed, and stays as it is."""

_NAME = r"(?:pass(?:word|wd|phrase)|secret|token|authorization|credentials?|api[-_]?key|[-_]key|[-_]pass|[-_]pwd)"
_REST = r"[\w.-]{0,60}"
"""The rest of a name. Bounded, as everything before a value is: no text may take long."""
_QUOTE = r"\\{0,9}[\"']|"
"""JSON within JSON escapes its quotes."""
_NESTED = r"\\\"(?:.*?(?<!\\)(?:\\{4})*\\\"|.*$)"
"""A text in JSON within JSON: a backslash is four there, and a quote has three before it."""
_VALUE = _NESTED + r"|\"(?:[^\"\\]|\\.)*\"?|'[^']*'?|(?:(?:bearer|basic|token) +)?[^\s\"'\\,;&()\[\]{}<>]+"
_FILE = rf"(?!{_REST}(?:file|path)\b)"
"""A name that ends so says where a secret is, and may be told."""

_URL = re.compile(r"(?<=://)([^\s/?#\"'@:]*)(:?)[^\s/?#\"']*@")
_ASSIGNED = rf"(?i)({_NAME}{_FILE}{_REST})({_QUOTE})(\s{{0,9}}[:=]\s{{0,9}})({_VALUE})"
_OPTION = rf"(?i)(?<!\w)(-[\w-]{{0,60}}?{_NAME}{_FILE}{_REST})({_QUOTE})(,?\s{{1,9}})({_VALUE})"
_NAMES = ("pass", "secret", "token", "authorization", "credential", "key", "pwd")
"""One of these is in every such name. Few texts have one, and only those wait for the expressions."""
_OPEN = re.compile(r"token\\*[\"']: *(?:-?\d+|%d)|.*\W(?:null|none|true|false)", re.IGNORECASE | re.DOTALL)
"""What is no secret, though it is called so: the token of a fence is a number."""
_SECRET = re.compile(r"PASSW(?:OR)?D|PASSPHRASE|SECRET|TOKEN|CREDENTIAL|AUTHORIZATION|(?:API|_|^)KEY$|_(?:PASS|PWD|PAT)$")
_PLACE = re.compile(r"_(?:FILE|PATH|DIR|SOCK)$")


def secrets_in(environment: Mapping[str, str]) -> tuple[str, ...]:
    """Values of the variables that are secrets by their names, as texts may have them: line by line, and as JSON writes them."""
    names = [name for name in map(str.upper, environment) if _SECRET.search(name) and not _PLACE.search(name)]
    values = {value for name, value in environment.items() if name.upper() in names}
    forms = {line.strip() for value in values for each in (value, json.dumps(value)[1:-1]) for line in each.splitlines()}
    # The longest first: one may be a part of another.
    return tuple(sorted((each for each in forms if len(each) >= _SHORTEST), key=lambda each: (-len(each), each)))


def redacted(text: str, secrets: Collection[str] = ()) -> str:
    """The text without these values, without passwords in URLs, and without what stands behind the name of a secret."""
    for secret in secrets:
        text = text.replace(secret, HIDDEN)
    text, small = redact_urls(text), text.lower()
    if any(name in small for name in _NAMES):
        text = re.sub(_OPTION, _hidden, re.sub(_ASSIGNED, _hidden, text))
    return text


def redact_urls(text: str) -> str:
    """The text with ``***`` for the password in any URL; for the whole user information where it has no colon."""
    return _URL.sub(lambda match: f"{match[1]}:{HIDDEN}@" if match[2] else f"{HIDDEN}@", text)


def redacted_record(record: Mapping[str, Any]) -> Mapping[str, Any]:
    """A record of a journal, redacted in what people are told; what a rollout goes back to stays as it is."""
    return {name: _each(value) if name in _TOLD else value for name, value in record.items()}


class Redacting:
    """A text stream that shows no secret; everything else is the stream's own."""

    def __init__(self, stream: IO[str], secrets: Collection[str]) -> None:
        self._stream = stream
        self._secrets = secrets

    def write(self, text: str) -> int:
        """Write the text without its secrets; returns how much of it was taken: all."""
        self._stream.write(redacted(text, self._secrets))
        return len(text)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever a stream has
        return getattr(self._stream, name)


def _hidden(match: re.Match[str]) -> str:
    """What was found, with its name and its quotes; with those of its name, where JSON has a number."""
    name, after, between, value = match.groups()
    if _OPEN.fullmatch(match[0]):
        return match[0]
    quote = re.match(_QUOTE, value)
    around = quote[0] if quote and quote[0] else after
    return f"{name}{after}{between}{around}{HIDDEN}{around}"


def _each(value: Any) -> Any:  # noqa: ANN401 - whatever JSON has
    if isinstance(value, str):
        return redacted(value)
    if isinstance(value, Mapping):
        return {name: _each(each) for name, each in value.items()}
    return type(value)(_each(each) for each in value) if isinstance(value, list | tuple) else value
