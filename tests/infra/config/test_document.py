"""A settings file as values with lines: read as Pulumi reads it."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as some

from infra.config.document import DEEPEST, LARGEST, MOST, Document, Repeated, UnreadableError, from_values, path_of, read

words = some.text(
    some.characters(codec="utf-8", exclude_categories=("Cc", "Cs"), exclude_characters="\x85\u2028\u2029\ufeff\ufffe\uffff"),
    max_size=8,
    # Pulumi's YAML has numbers without a point, as 0E0. The library that writes here has not, and leaves such a text bare.
).filter(lambda text: not re.fullmatch(r"[-+]?\d+[eE][-+]?\d+", text))
values = some.recursive(
    some.none() | some.booleans() | some.integers() | words,
    lambda inner: some.lists(inner, max_size=3) | some.dictionaries(words, inner, max_size=3),
    max_leaves=6,
)


def of(folder: Path, text: str) -> Document:
    """The document of a text."""
    file = folder / "Pulumi.staging.yaml"
    file.write_text(text, encoding="utf-8")
    return read(file)


@given(some.dictionaries(some.from_regex(r"[a-z]{1,5}", fullmatch=True), values, max_size=3))
def test_what_is_written_is_read(tmp_path_factory: pytest.TempPathFactory, settings: dict[str, Any]) -> None:
    """Whatever values are written as YAML are read back, and every one of them has a line."""
    text = yaml.safe_dump({"config": {f"crossfade:{name}": each for name, each in settings.items()}}, allow_unicode=True)
    document = of(tmp_path_factory.mktemp("settings"), text)

    assert document.values == settings
    assert {keys[0] for keys in document.lines} == set(settings)
    assert document.repeated == ()


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("on", "on"),
        ("yes", "yes"),
        ("8:30", "8:30"),
        ("3.10", 3.1),
        ('"3.10"', "3.10"),
        ("1e3", 1000.0),
        ("-5", -5),
        (".5", 0.5),
        ("True", True),
        ("tRue", "tRue"),
        ("Null", None),
        ("", None),
        ("'true'", "true"),
        ("2026-01-01", "2026-01-01"),
    ],
)
def test_scalars_are_as_pulumi_has_them(text: str, value: object, tmp_path: Path) -> None:
    """Words of older YAML are words, quotes make a text, numbers are numbers."""
    found = of(tmp_path, f"config:\n  crossfade:x: {text}\n").values["x"]
    assert found == value
    assert type(found) is type(value)


def test_only_our_settings_are_read(tmp_path: Path) -> None:
    """Settings of others, and what stands beside `config:`, are no concern of ours."""
    document = of(tmp_path, "encryptionsalt: x\nconfig:\n  aws:region: eu\n  crossfade:start: blue\n")
    assert document.values == {"start": "blue"}
    assert document.stack == "staging"


def test_where_something_is(tmp_path: Path) -> None:
    """Each value has its line and its key; what is missing is where it would be; what has no line has its key."""
    document = of(tmp_path, "config:\n  crossfade:a:\n    b: [1,\n      {c: 2}]\n")

    assert document.where(("a", "b", 1, "c")) == "Pulumi.staging.yaml:4 crossfade:a.b[1].c"
    assert document.where(("a", "x", "y")) == "Pulumi.staging.yaml:2 crossfade:a.x.y"
    assert document.where(("z",)) == "Pulumi.staging.yaml crossfade:z"
    assert (document.at(("a", "b", 1, "c")), document.at(("a", "b", 7)), document.at(("a", "b", 0, "c"))) == (2, None, None)
    assert path_of(("a", "b", 1, "c")) == "crossfade:a.b[1].c"


def test_a_key_that_is_there_twice(tmp_path: Path) -> None:
    """Keys that are written twice are found on every level, with both lines; the same key elsewhere is another."""
    document = of(
        tmp_path,
        "config:\n  crossfade:a: {x: 1, y: {x: 2}}\n  crossfade:b:\n    - x: 1\n      x: 2\n  crossfade:a: 3\nconfig: {}\n",
    )
    assert document.repeated == (
        Repeated("crossfade:b[0].x", 4, 5),
        Repeated("crossfade:a", 2, 6),
        Repeated("config", 1, 7),
    )


def test_what_is_shared_by_anchors(tmp_path: Path) -> None:
    """An alias is what it stands for; what is merged in gives way to what is written, and repeats nothing."""
    anchored = "config:\n  crossfade:a: &a {x: 1, y: 2}\n  crossfade:b: &b {z: 3}\n"
    document = of(tmp_path, f"{anchored}  crossfade:c: {{<<: [*a, *b], x: 5}}\n  crossfade:d: *a\n")

    assert document.values["c"] == {"x": 5, "y": 2, "z": 3}
    assert document.values["d"] == {"x": 1, "y": 2}
    assert document.repeated == ()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "a: 1",
        "config:",
        "config: 5",
        "a: b: c",
        "\tconfig: {}",
        "config: {crossfade:a: &a [*a]}",
        "--- 1\n--- 2",
        "\x00",
        'config: {crossfade:a: "\\U00110000"}',
        'config: {crossfade:a: "\\UFFFFFFFF"}',
        'config: {crossfade:a: "\\ud800"}',
        'config: {"crossfade:\\0": 1}',
        "config: {? [crossfade:a] : 1}",
        "config: {crossfade:a: " + "[" * 400 + "]" * 400 + "}",
    ],
)
def test_what_is_no_settings_file(text: str, tmp_path: Path) -> None:
    """Whatever is no settings file is an error of one sentence."""
    with pytest.raises(UnreadableError) as caught:
        of(tmp_path, text)
    assert "\n" not in str(caught.value)


def test_how_large_settings_may_be(tmp_path: Path) -> None:
    """A file of as many bytes as may be is read, and with one more is not; no more of it is looked at than that."""
    text = "config: {}\n#"
    assert of(tmp_path, text + "x" * (LARGEST - len(text))).values == {}
    with pytest.raises(UnreadableError, match="256,000 bytes"):
        of(tmp_path, text + "x" * (LARGEST - len(text) + 1))
    with pytest.raises(UnreadableError, match="256,000 bytes"):
        read(Path("/dev/zero"))


def test_how_many_values_there_may_be(tmp_path: Path) -> None:
    """What aliases stand for counts each time, in lists, in mappings and in what is merged in."""
    rows = "config:\n  crossfade:a: &a [" + "1," * 1000 + "]\n  crossfade:b: ["
    assert len(of(tmp_path, rows + "*a," * (MOST // 1001 - 1) + "]\n").values["b"]) == MOST // 1001 - 1
    merged = "config:\n  crossfade:a: &a {" + ", ".join(f"x{each}: 1" for each in range(1000)) + "}\n"
    for text in (rows + "*a," * (MOST // 1000) + "]\n", merged + "  crossfade:b: {<<: [" + "*a," * (MOST // 1000) + "]}\n"):
        with pytest.raises(UnreadableError, match="more than 20,000 values") as caught:
            of(tmp_path, text)
        assert caught.value.line is not None


def test_how_deep_settings_may_be(tmp_path: Path) -> None:
    """Mappings and lists may be within each other as often as any settings need, and no more."""
    deep = of(tmp_path, "config: {crossfade:a: " + "[" * DEEPEST + "]" * DEEPEST + "}").values["a"]
    assert str(deep) == "[" * DEEPEST + "]" * DEEPEST
    with pytest.raises(UnreadableError, match="nested deeper than 50"):
        of(tmp_path, "config: {crossfade:a: " + "[" * (DEEPEST + 1) + "]" * (DEEPEST + 1) + "}")


def test_a_number_that_is_none(tmp_path: Path) -> None:
    """Digits without end are a text."""
    assert of(tmp_path, f"config: {{crossfade:a: {'9' * 300}, crossfade:b: {'9' * 301}}}").values == {
        "a": int("9" * 300),
        "b": "9" * 301,
    }


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    """A file that is no UTF-8 is no settings file."""
    file = tmp_path / "Pulumi.staging.yaml"
    file.write_bytes(b"config: \xff")
    with pytest.raises(UnreadableError, match="utf-8"):
        read(file)


def test_values_of_others_have_the_lines_of_the_file(tmp_path: Path) -> None:
    """Values that the engine hands over are said to be where the file has them; without a readable file they have no line."""
    of(tmp_path, "config:\n  crossfade:start: blue\n")
    name = str(tmp_path / "Pulumi.staging.yaml")

    assert from_values({"start": "green"}, name).where(("start",)) == "Pulumi.staging.yaml:2 crossfade:start"
    assert from_values({"start": "green"}, name).values == {"start": "green"}
    assert from_values({}, str(tmp_path / "gone.yaml")).where(("start",)) == "gone.yaml crossfade:start"


def test_dates_of_others_are_as_the_file_has_them(tmp_path: Path) -> None:
    """Pulumi takes a date for a time: where the file has it, it is what the file says; whatever else differs is Pulumi's."""
    of(
        tmp_path,
        "config:\n  crossfade:a: [2026-1-31, {b: 2026-01-31 18:00:00}]\n  crossfade:c: blue\n  crossfade:d: [2026-01-31]\n",
    )
    first, second = "2026-01-31 00:00:00 +0000 UTC", "2026-01-31 18:00:00 +0000 UTC"
    handed = {"a": [first, {"b": second}], "c": "green", "d": [first, first], "e": first}
    found = from_values(handed, str(tmp_path / "Pulumi.staging.yaml"))

    assert found.values == {
        "a": ["2026-1-31", {"b": "2026-01-31 18:00:00"}],
        "c": "green",
        "d": [first, first],
        "e": first,
    }
