"""Whatever is in the file: it is settings, or what is wrong with it is told."""

import pytest
from fuzz_configuration import NASTY, WHOLE, check_configuration, configurations
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some


@pytest.mark.parametrize("text", WHOLE, ids=range(len(WHOLE)))
def test_what_is_whole(text: bytes) -> None:
    """The files that are broken here are whole before."""
    assert check_configuration(text) == "whole"


@pytest.mark.parametrize("name", NASTY)
def test_what_was_made_to_hurt(name: str) -> None:
    """Bombs, depth, size and strange characters are read, or refused in words."""
    expected = {"a byte order mark", "carriage returns"}
    assert (check_configuration(NASTY[name]) == "whole") == (name in expected)


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(configurations)
def test_what_was_whole(text: bytes) -> None:
    """A file with bytes, lines or values broken comes to settings or to faults, by both ways the same."""
    assert check_configuration(text) in {"whole", "refused", "unreadable"}


@given(some.binary(max_size=60) | some.text(max_size=60).map(lambda each: f"config: {{crossfade:x: {each}}}".encode()))
def test_what_never_was(text: bytes) -> None:
    """Bytes of any kind come to no settings, and are told so."""
    assert check_configuration(text) in {"refused", "unreadable"}
