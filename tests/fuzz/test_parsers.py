"""Whatever comes from outside, every parser ends in what it documents. `bench/fuzz.py` feeds many more of the same inputs."""

import json
from itertools import islice

import pytest
from fuzz_inputs import inputs
from fuzz_run import Target, fuzz, outcome, plain
from fuzz_targets import targets

INPUTS = 1_000
"""Of each parser that is a function alone."""
LEAST = 40


@pytest.mark.parametrize("target", targets(), ids=lambda target: target.name)
def test_every_input_ends_in_what_is_documented(target: Target) -> None:
    """No broken input makes a parser raise another error than its own, or say what no terminal can show."""
    found = fuzz(target, max(INPUTS, LEAST * target.cost), seed=1)

    assert [(why, data[:200]) for data, why in found.faults] == []
    assert found.inputs >= LEAST
    assert len(found.outcomes) > 1


def test_a_seed_gives_the_same_inputs() -> None:
    """The same seed gives the same inputs, another one others."""
    first, again, other = ([*islice(inputs([b'{"a": 1}', b"GET"], [b"POST"], seed), 200)] for seed in (1, 1, 2))

    assert first == again
    assert first != other


def test_a_fault_is_found() -> None:
    """A parser that lets another error out has that told as a fault, with the input."""

    def careless(data: bytes) -> str:
        return outcome(lambda: json.loads(data)["a"] + 1, ValueError)

    found = fuzz(Target("careless", plain(careless), (b'{"a": 1}',)), 200, seed=1)

    assert any(why.startswith(("TypeError", "KeyError")) for _, why in found.faults)
    assert any(name.startswith(("JSONDecodeError", "ok")) for name in found.outcomes)
