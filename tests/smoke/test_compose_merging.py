"""What comes of a file and its override; and what is told of it."""

import copy
from collections.abc import Mapping
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from smoke.compose import (
    MARKER,
    Wish,
    changed,
    hidden,
    is_ours,
    load,
    merged,
    plan,
    read,
    secrets_of,
    text_of,
    unified,
)
from smoke.compose.ports import published
from smoke.compose.text import Removed, Replaced
from smoke.redaction import HIDDEN

PORTS = st.lists(st.builds("{}:{}".format, st.integers(1, 65_535), st.integers(1, 65_535)), max_size=3)
SERVICES = st.fixed_dictionaries(
    {"image": st.sampled_from(["python:3.9-slim", "postgres:13", "shop/api"])},
    optional={
        "ports": PORTS,
        "build": st.sampled_from([".", {"context": "api", "args": ["A=1"]}]),
        "container_name": st.sampled_from(["one", "two"]),
        "labels": st.just({"team": "shop"}),
        "healthcheck": st.just({"test": ["CMD", "true"], "retries": 3}),
    },
)
FILES = st.dictionaries(st.sampled_from(["api", "agent", "db"]), SERVICES, min_size=1)


@pytest.mark.parametrize(
    ("theirs", "override", "expected"),
    [
        ({"a": 1}, {"b": 2}, {"a": 1, "b": 2}),
        ({"a": {"b": 1}}, {"a": {"c": 2}}, {"a": {"b": 1, "c": 2}}),
        ({"ports": ["1:1"]}, {"ports": ["2:2"]}, {"ports": ["1:1", "2:2"]}),
        ({"ports": ["1:1"]}, {"ports": Replaced(["2:2"])}, {"ports": ["2:2"]}),
        ({"build": ".", "a": 1}, {"build": Removed()}, {"a": 1}),
        ({}, {"build": Removed()}, {}),
        ({"build": "./api"}, {"build": {"args": {"A": "2"}}}, {"build": {"context": "./api", "args": {"A": "2"}}}),
        ({"args": ["A=1", "B", "C=x=y"]}, {"args": {"A": "2"}}, {"args": {"A": "2", "B": None, "C": "x=y"}}),
        ({"healthcheck": None}, {"healthcheck": {"retries": 1}}, {"healthcheck": {"retries": 1}}),
    ],
)
def test_both_are_merged_as_compose_does(theirs: dict[str, Any], override: dict[str, Any], expected: dict[str, Any]) -> None:
    """Mappings are merged, lists appended, all else replaced; the tags replace and remove; short forms are made long."""
    assert merged(theirs, override) == expected


@given(FILES)
def test_an_override_changes_what_it_names_and_no_more(services: dict[str, Any]) -> None:
    """Theirs stays as it was read, all that the plan does not name is kept, and no port is asked for by both sides."""
    file = read(yaml.safe_dump({"services": services}), "shop.yml")
    before = copy.deepcopy(file.values)
    document = plan(file, Wish("py312", "shop", dockerfiles=dict.fromkeys(services, "ARG PYTHON_VERSION"))).document
    both = merged(file.values, document)

    assert file.values == before
    assert both["name"] == "shop-py312"
    assert _ports(both).isdisjoint(_ports(file.values))
    for name, service in services.items():
        ours = document.get("services", {}).get(name, {})
        assert {key: both["services"][name][key] for key in service if key not in ours} == {
            key: each for key, each in service.items() if key not in ours
        }


@given(FILES)
def test_what_is_written_is_read_back(services: dict[str, Any]) -> None:
    """The text says what the plan said, and is known as ours."""
    document = plan(read(yaml.safe_dump({"services": services}), "shop.yml"), Wish("py312", "shop")).document
    text = text_of(document, ["to start it: x"])

    assert is_ours(text)
    assert load(text, "written")[1] == document


def test_the_tags_are_written_as_compose_reads_them() -> None:
    """And no text is taken for a number or a time."""
    text = text_of({"ports": Replaced(["10022:22", "80"]), "build": Removed(), "v": "3.12"})

    assert text == f"{MARKER}\nports: !override\n- '10022:22'\n- '80'\nbuild: !reset []\nv: '3.12'\n"


@pytest.mark.parametrize("text", ["", "services:\n", f"\n{MARKER}\n", MARKER[:-1]])
def test_only_the_first_line_makes_a_file_ours(text: str) -> None:
    """Nothing else may be overwritten."""
    assert not is_ours(text)


def test_what_differs_is_listed_by_its_path() -> None:
    """In the order of the names; a list is one value."""
    old = {"a": {"x": 1, "y": [1]}, "b": 1, "same": {"z": None}}
    new = {"a": {"x": 1, "y": [1, 2]}, "c": None, "same": {"z": None}}

    assert list(changed(old, new)) == [("a.y", [1], [1, 2]), ("b", 1, None), ("c", None, None)]


def test_a_diff_has_both_names() -> None:
    """And nothing where nothing differs."""
    lines = unified({"a": 1}, {"a": 2}, ("old.yml", "new.yml"))

    assert lines == ["--- old.yml", "+++ new.yml", "@@ -1 +1 @@", "-a: 1", "+a: 2"]
    assert unified({"a": 1}, {"a": 1}, ("old.yml", "new.yml")) == []


@given(
    st.sampled_from(["DB_PASSWORD", "API_TOKEN", "SECRET_KEY", "AWS_SECRET_ACCESS_KEY", "db_passwd"]),
    st.text("abcdefghijklmnop0123456789", min_size=9, max_size=20),
)
def test_no_secret_of_an_environment_is_told(name: str, secret: str) -> None:
    """Not under its name, nor in an address, a command or a list that has it too."""
    service = {
        "environment": {name: secret, "URL": f"postgresql://app:{secret}@db/app"},
        "command": ["run", f"--with={secret}"],
        "build": {"args": {name: secret}},
    }
    document = {"services": {"api": service, "old": {"environment": {name: f"{secret}-before"}}}}
    told = hidden(document, secrets_of(document))

    assert secret not in repr(told)
    assert told["services"]["api"]["environment"][name] == HIDDEN


def test_a_short_secret_is_hidden_where_it_has_its_name() -> None:
    """A word or a number of a few letters; elsewhere it may be any word."""
    document = {"environment": {"DB_PASSWORD": "test", "API_TOKEN": 1234, "MODE": "test"}}

    assert hidden(document, secrets_of(document)) == {"environment": {"DB_PASSWORD": HIDDEN, "API_TOKEN": HIDDEN, "MODE": "test"}}


def test_what_is_no_secret_is_told_as_it_is() -> None:
    """Names of secrets that only say where one is, and short words."""
    document = {"environment": {"TOKEN_FILE": "/run/token", "MODE": "test", "TOKEN": ""}, "secrets": ["db"], "n": [1, True, None]}

    assert hidden(document, secrets_of(document)) == document


def _ports(values: Mapping[str, Any]) -> set[int]:
    return {port for service in values["services"].values() for port in published(service.get("ports") or [])}
