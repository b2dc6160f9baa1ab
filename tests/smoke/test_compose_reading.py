"""Reading compose files that somebody else wrote."""

import pytest

from smoke.compose import project_of, read
from smoke.errors import UsageError

FILE = """\
services:
  api:
    image: shop/api
    ports:
      - 22:22
      - on
"""


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("services:\n  api: {image: [}\n", "shop.yml:2"),
        ("services:\n  api:\n\timage: x\n", "shop.yml:3"),
        ("services:\n  api: !python/name:os.system x\n", "shop.yml:2"),
        ("- services\n", "shop.yml:1"),
        ("", "shop.yml:1"),
        ("api:\n  image: x\n", "shop.yml:1 services"),
        ("name: x\nservices:\n", "shop.yml:2 services"),
        ("services:\n  api:\n  db: {image: x}\n", "shop.yml:2 services.api"),
        ("services:\n  8: {image: x}\n", "shop.yml:2 services[8]"),
        ("services:\n  api:\n    image: x\n    ports: 80\n", "shop.yml:4 services.api.ports"),
        ("services:\n  api:\n    build: [x]\n", "shop.yml:3 services.api.build"),
        ("services:\n  api: {image: x}\nvolumes: [data]\n", "shop.yml:3 volumes"),
        ("services:\n  api: {image: x}\nnetworks:\n  a: here\n", "shop.yml:4 networks.a"),
    ],
)
def test_a_broken_file_is_named_with_its_line(text: str, where: str) -> None:
    """Whatever is no compose file is refused, and the place is said."""
    with pytest.raises(UsageError) as refused:
        read(text, "shop.yml")

    assert refused.value.where == where


@pytest.mark.parametrize("text", ["services: " + "[" * 3_000, "x" * 1_000_001, "services: {a: \0}"])
def test_no_text_is_too_odd_to_be_refused(text: str) -> None:
    """What is nested without an end, far too long, or no text at all is refused as well."""
    with pytest.raises(UsageError):
        read(text, "shop.yml")


def test_values_are_what_compose_makes_of_them() -> None:
    """22:22 is a port and no time of day, and `on` is a word: the older YAML has other ideas."""
    assert read(FILE, "shop.yml").services["api"]["ports"] == ["22:22", "on"]


def test_an_anchor_is_what_it_stands_for() -> None:
    """Services share what is merged into them."""
    text = "x-base: &base {image: shop, ports: ['80:80']}\nservices:\n  api: {<<: *base, image: api}\n"

    assert read(text, "shop.yml").services["api"] == {"image": "api", "ports": ["80:80"]}


def test_the_tags_of_an_override_are_read_in_a_first_file_too() -> None:
    """They say nothing there but what stands behind them."""
    text = "services:\n  api: {image: x, ports: !override ['80:80'], labels: !override {a: b}, build: !reset null}\n"

    assert read(text, "shop.yml").services["api"] == {"image": "x", "ports": ["80:80"], "labels": {"a": "b"}, "build": None}


def test_a_value_has_the_line_it_was_written_on() -> None:
    """A key that is not there has the line of what it would be in."""
    file = read(FILE, "shop.yml")

    assert file.where("services", "api", "ports", 1) == "shop.yml:6 services.api.ports[1]"
    assert file.where("services", "api", "healthcheck") == "shop.yml:2 services.api.healthcheck"


@pytest.mark.parametrize(
    ("name", "folder", "told", "expected"),
    [
        ("", "Shop.Of Ours", None, "shopofours"),
        ("own", "folder", None, "own"),
        ("own", "folder", "told", "told"),
        ("${NAME}", "folder", None, "folder"),
        ("", "__", None, "compose"),
    ],
)
def test_the_project_is_called_as_compose_would(name: str, folder: str, told: str | None, expected: str) -> None:
    """By the environment, the file, the folder, in that order, in small letters."""
    file = read(f"name: '{name}'\nservices:\n  db: {{image: postgres}}\n", "shop.yml")

    assert project_of(file, folder, told) == expected
