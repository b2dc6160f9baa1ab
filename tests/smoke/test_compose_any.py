"""Compose files that nobody would write."""

from contextlib import suppress
from typing import Any

import pytest
import yaml
from hypothesis import event, given
from hypothesis import strategies as st

from smoke.compose import Wish, changed, dockerfile_of, hidden, is_ours, merged, plan, read, secrets_of, stack_of, text_of
from smoke.errors import UsageError

SETTINGS = """\
config:
  crossfade:target: docker
  crossfade:slots: {green: {runtime: py312}}
  crossfade:services: {api: {kind: singleton, port: 1}}
"""
KEYS = (
    "args",
    "config",
    "context",
    "disable",
    "dockerfile",
    "dockerfile_inline",
    "external",
    "ipam",
    "name",
    "published",
    "test",
)
MORE = ("read_only", "source", "target", "DB_PASSWORD", "PYTHON_VERSION", "PORT")
TEXTS = st.sampled_from(["", ".", "a:b", "${A:-b}:80", "80:80", "python", "x/python:3", "ARG PYTHON_VERSION", "NONE", "=", "a=b"])
LEAVES = st.none() | st.booleans() | st.integers(-9, 99_999) | st.just(0.5) | TEXTS
NAMES = st.sampled_from([*KEYS, *MORE])
VALUES = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3), max_leaves=6)
MAPPINGS = st.dictionaries(NAMES, VALUES, max_size=4)
PORTS = st.lists(TEXTS | st.integers(1, 99_999) | MAPPINGS, max_size=2)
SERVICES = st.fixed_dictionaries(
    {},
    optional={
        "build": TEXTS | MAPPINGS,
        "command": VALUES,
        "container_name": TEXTS,
        "entrypoint": VALUES,
        "environment": VALUES,
        "healthcheck": MAPPINGS,
        "image": TEXTS,
        "network_mode": TEXTS,
        "ports": PORTS,
        "volumes": st.lists(VALUES, max_size=2),
    },
)
RESOURCES = st.none() | st.dictionaries(TEXTS, st.none() | MAPPINGS, max_size=2)
FILES = st.fixed_dictionaries(
    {"services": st.dictionaries(st.sampled_from(["api", "db"]), SERVICES, min_size=1)},
    optional={"networks": RESOURCES, "volumes": RESOURCES, "name": LEAVES, "include": VALUES},
)


@given(FILES)
def test_whatever_has_the_shape_is_planned_or_refused(values: dict[str, Any]) -> None:
    """No such file is a fault of ours, and what is planned can be written, merged, compared and told."""
    file = read(yaml.safe_dump(values), "shop.yml")
    for service in file.services.values():
        dockerfile_of(service)
    for stack in (None, stack_of(SETTINGS, "Pulumi.x.yaml", "x", "py312")):
        with suppress(UsageError):
            document = plan(file, Wish("py312", "shop", stack)).document
            both = merged(file.values, document)
            event("planned")
            assert is_ours(text_of(document))
            assert hidden(both, secrets_of(both)).keys() == both.keys()
            assert list(changed(file.values, both))


@given(VALUES, VALUES, VALUES)
def test_whatever_is_written_is_read_or_refused(service: object, volumes: object, top: object) -> None:
    """What has another shape is a usage error, with its line."""
    for values in ({"services": {"api": service}, "volumes": volumes}, {"services": top}, top):
        try:
            read(yaml.safe_dump(values), "shop.yml")
        except UsageError as refused:
            where = refused.where
        else:
            where = "shop.yml:0"

        assert str(where).startswith("shop.yml:")


@pytest.mark.parametrize(
    "settings", ["config:", "config: 8", "config: {'crossfade:slots': 1}", "config: {'crossfade:slots': {a: 1}}"]
)
def test_settings_of_another_shape_have_no_such_runtime(settings: str) -> None:
    """They are checked elsewhere; here they have no slot."""
    with pytest.raises(UsageError, match="no slot of x"):
        stack_of(settings, "Pulumi.x.yaml", "x", "py312")
