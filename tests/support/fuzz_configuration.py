"""Settings files that nobody would write: what any of them may come to, and where they come from."""

import json
import re
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import yaml
from hypothesis import strategies as some

from infra.config import Document, Fault, FaultsError, UnreadableError, from_values, read, validate
from infra.config.plan import plan_document
from smoke.plan import Plan

ROOT = Path(__file__).parents[2]
LIMIT = 20
"""Seconds that one text may take: a bound for what never ends."""
PAGE = re.findall(r"^```yaml\n(.*?)^```", (ROOT / "docs" / "settings.md").read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)[
    0
]
WHOLE = (
    (ROOT / "tests" / "infra" / "config" / "staging.yaml").read_bytes(),
    (ROOT / "Pulumi.staging.yaml").read_bytes(),
    PAGE.encode(),
)
"""Files that are whole, to be broken."""


def check_configuration(text: bytes) -> str:
    """Read a text as a settings file; says what came of it: ``whole``, ``refused`` or ``unreadable``.

    Raises:
        AssertionError: it came to something else, or what is told of it cannot be told.
    """
    with tempfile.TemporaryDirectory() as folder, _limited():
        file = Path(folder) / "Pulumi.staging.yaml"
        file.write_bytes(text)
        try:
            document = read(file)
        except UnreadableError as error:
            return _unreadable(str(error))
        said = _said(document)
        # As the engine hands them over.
        handed = from_values(json.loads(json.dumps(document.values)), str(file))
        assert document.repeated or _said(handed) == said, "the engine's values are other settings"
        return "whole" if isinstance(said, dict) else "refused"


def _unreadable(why: str) -> str:
    assert why.encode().strip(), "an error without a word"
    assert "\n" not in why, why
    return "unreadable"


def _said(document: Document) -> Any:  # noqa: ANN401 - a plan, or the faults
    """The plan that a document asks for, or its faults as they are told."""
    try:
        plan = json.loads(json.dumps(plan_document(validate(document)), allow_nan=False))
    except FaultsError as error:
        return [_told(fault) for fault in error.faults]
    assert Plan.from_json(plan).to_json() == plan, "another plan is driven"
    return plan


def _told(fault: Fault) -> str:
    assert all((fault.what, fault.where, fault.cause, fault.hint)), fault
    assert fault.where.startswith("Pulumi.staging.yaml"), fault.where
    return json.dumps(fault.to_json()) + fault.text().encode().decode()


@contextmanager
def _limited() -> Iterator[None]:
    def late(_signal: int, _frame: FrameType | None) -> None:
        raise AssertionError(f"it takes longer than {LIMIT} s")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(LIMIT)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


SCALARS = (
    *(
        None,
        True,
        False,
        0,
        -1,
        1.5,
        10**30,
        -(10**400),
        1e308,
        float("nan"),
        float("inf"),
        "",
        " ",
        "~",
        "\0",
        "\ud800",
    ),
    *("yes", "0x1F", "1_000", "12:30:45", "2026-12-20", "2026-12-20 00:00:00 +0000 UTC", "9999-12-31", "2999-12-31", "1e999h"),
    *("{runtime}", "{slot}", "{", "mon-fri", "22:00-02:00", "Europe/Berlin", "Europe", "../../etc", "zone.tab", "é\u2028\ufeff"),
    *("x" * 5000, "9" * 5000, "9" * 400 + "ms", "\U0001f600", "a.b[0]", "=", "<<", "*a", "&a", "!!python/name:os.system", "٣"),
)


@some.composite
def _texts(draw: some.DrawFn) -> bytes:
    """A whole file with bytes taken out, put in or repeated."""
    text = draw(some.sampled_from(WHOLE))
    for _ in range(draw(some.integers(1, 4))):
        start = draw(some.integers(0, len(text)))
        end = start + draw(some.integers(0, 40))
        more = draw(
            some.sampled_from((b"", text[start:end] * 2))
            | some.binary(max_size=6)
            | some.text(":-[]{}&*!|>'\"#%@`\n\t ,?", max_size=4).map(str.encode)
        )
        text = text[:start] + more + text[end:]
    return text


@some.composite
def _lines(draw: some.DrawFn) -> bytes:
    """A whole file with lines taken out, repeated, moved or set deeper."""
    lines = draw(some.sampled_from(WHOLE)).splitlines(keepends=True)
    for _ in range(draw(some.integers(1, 4))):
        at = draw(some.integers(0, len(lines) - 1))
        line = lines[at]
        lines[at : at + 1] = draw(
            some.sampled_from(([], [line, line], [b"  " + line], [line.removeprefix(b"  ")], [line.strip() + b" &a\n"]))
        )
        lines.insert(draw(some.integers(0, len(lines))), line)
    return b"".join(lines)


@some.composite
def _nodes(draw: some.DrawFn) -> bytes:
    """A whole file with values taken out, of another kind, under another name, or within each other."""
    root = yaml.safe_load(draw(some.sampled_from(WHOLE)))
    for _ in range(draw(some.integers(1, 4))):
        holder, key = draw(some.sampled_from(list(_places(root["config"])) or [(root, "config")]))
        kinds = (holder[key], [], {}, [holder[key]], {"x": holder[key]}, {str(key): holder[key]}, str(holder[key]))
        value = draw(some.sampled_from(SCALARS) | some.sampled_from(kinds))
        if isinstance(holder, dict) and draw(some.booleans()):
            name = draw(some.sampled_from([*_names(root), "", "x y", 5, None, "mon", "\0"]))
            holder[name] = value
        else:
            holder[key] = value
        if draw(some.booleans()):
            del holder[key]
    return _dumped(root, plain=draw(some.booleans()))


def _dumped(root: object, *, plain: bool) -> bytes:
    """As YAML, without anchors; where it is plain, without quotes too: what was a text may be anything."""
    dumper = yaml.SafeDumper
    text = yaml.dump(json.loads(json.dumps(root, default=str)), Dumper=dumper, allow_unicode=plain, width=10_000)
    return (text.replace("'", "") if plain else text).encode(errors="surrogatepass")


def _places(value: Any) -> Iterator[tuple[Any, Any]]:  # noqa: ANN401
    """Every value within a value, by what holds it and its key there."""
    for key, each in list(value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()):
        yield value, key
        yield from _places(each)


def _names(root: Any) -> list[str]:  # noqa: ANN401
    return sorted({str(key) for _, key in _places(root)})


configurations: some.SearchStrategy[bytes] = _texts() | _lines() | _nodes()
"""Files that were whole."""


def _deep(begin: str, end: str, times: int) -> str:
    return begin * times + end * times


def _bomb(line: str, first: str, levels: int = 40) -> str:
    """Lines each of which has the one before ten times."""
    return first + "".join(line.format(each, ", ".join([f"*a{each - 1}"] * 10)) for each in range(1, levels))


NASTY: dict[str, bytes] = {
    name: each if isinstance(each, bytes) else f"config:\n  crossfade:target: local\n{each}".encode()
    for name, each in {
        "nothing": b"",
        "zeros": b"\0" * 100,
        "utf-16": WHOLE[0].decode().encode("utf-16"),
        "a byte order mark": b"\xef\xbb\xbf" + WHOLE[0],
        "carriage returns": WHOLE[0].replace(b"\n", b"\r\n"),
        "no utf-8": WHOLE[0].replace(b"api", b"\xff"),
        "too large": WHOLE[0] + b"#" * 1_000_000,
        "many lines": WHOLE[0] + b"a:\n" * 20_000,
        "many values": b"config:\n  crossfade:x: [" + b"1," * 30_000 + b"]",
        "aliases": _bomb("  crossfade:a{0}: &a{0} [{1}]\n", "  crossfade:a0: &a0 x\n"),
        "aliases of mappings": _bomb("  crossfade:a{0}: &a{0} {{x: [{1}]}}\n", "  crossfade:a0: &a0 x\n"),
        "merged": _bomb("  crossfade:a{0}: &a{0} {{<<: [{1}]}}\n", "  crossfade:a0: &a0 {x: 1}\n"),
        "merged with itself": "  crossfade:a: &a {<<: [*a, *a]}\n",
        "keys of aliases": _bomb("  crossfade:a{0}: &a{0} [{1}]\n", "  crossfade:a0: &a0 x\n") + "  ? *a39\n  : 1\n",
        "a key that is itself": "  crossfade:a: &a {? *a : 1}\n",
        "aliases beside it": "  crossfade:x: 1\n" + _bomb("a{0}: &a{0} [{1}]\n", "a0: &a0 x\n"),
        "deep lists": "  crossfade:x: " + _deep("[", "]", 20_000) + "\n",
        "deep mappings": "  crossfade:x: " + _deep("{a: ", "}", 10_000) + "\n",
        "deep lists of a plan": "  crossfade:plan: {steps: " + _deep("[", "]", 45) + "}\n",
        "deep blocks": "  crossfade:x:\n" + "".join(" " * (3 + each) + "a:\n" for each in range(700)),
        "deep sequences": "  crossfade:x: " + "- " * 20_000 + "\n",
        "a long number": "  crossfade:x: " + "9" * 200_000 + "\n",
        "a long number as a text": "  crossfade:plan: {steps: [{share: '" + "9" * 5000 + "'}]}\n",
        "a long exponent": "  crossfade:plan: {bake: 1e99999, tick: 1e400, steps: [1e400, -1e400, 1e3]}\n",
        "no character": '  crossfade:start: "\\U00110000"\n',
        "no character either": '  crossfade:start: "\\UFFFFFFFF"\n',
        "half a character": '  crossfade:start: "\\ud800"\n  crossfade:\\ud800: 1\n  "crossfade:\\ud800": 1\n',
        "half a character's name": '  "crossfade:\\ud800": "\\udfff"\n',
        "a zero": '  crossfade:services: {"a\\0b": "\\0"}\n',
        "tags": "  crossfade:plan: !!python/object:os.system {bake: !!binary x, tick: !!float .nan, steps: !!set {1, 2}}\n",
        "a tag of nothing": "  crossfade:plan: !<> {}\n  crossfade:x: !%zz x\n",
        "directives": b"%YAML 9.9\n%TAG ! !\n---\nconfig: {}\n",
        "documents": WHOLE[0] + b"---\n" + WHOLE[0],
        "an open end": WHOLE[0] + b"...\n...\nx",
        "keys of every kind": "  crossfade:slots: {? [a, b] : 1, ? {a: b} : 2, null: 3, 5: 4, true: 5, 1.5: 6, : 7}\n",
        "many faults": "  crossfade:services: {" + ", ".join(f"A{each}: {each}" for each in range(2000)) + "}\n",
        "circles": "  crossfade:services:\n"
        + "".join(
            f"    a{at}: {{kind: singleton, source: x, lock: x, command: x, health: [heartbeat], after: [a{(at + 1) % 1200}]}}\n"
            for at in range(1200)
        )
        + "  crossfade:slots: {blue: {runtime: py39}}\n",
    }.items()
}
"""Files that were made to hurt."""
