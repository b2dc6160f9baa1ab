"""What a stack says of itself survives the way through JSON; what is of another shape is refused."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from infra.contract import FORMAT, Backend, Contract, ContractError, Metric, Placement, Service, fingerprint

words = some.text(max_size=8)
scalars = (
    some.none() | some.booleans() | some.integers(-(2**53), 2**53) | some.floats(allow_nan=False, allow_infinity=False) | words
)
values = some.recursive(
    scalars, lambda inner: some.lists(inner, max_size=3) | some.dictionaries(words, inner, max_size=3), max_leaves=5
)
mappings = some.dictionaries(words, values, max_size=3)
backends = some.builds(Backend, words, mappings)
perhaps = some.none() | backends
slots = some.sampled_from(["blue", "green"])
placements = some.builds(
    Placement,
    service=words,
    slot=slots,
    runtime=words,
    artefact=words,
    version=words,
    address=some.none() | words,
    heartbeat=some.none() | words,
    python=words,
    folder=words,
    environment=some.dictionaries(words, words, max_size=3),
    inputs=mappings,
)
numbers = some.floats(allow_nan=False, allow_infinity=False)
metrics = some.builds(Metric, words, backends, some.none() | numbers, some.none() | numbers, numbers)
services = some.builds(
    Service,
    name=words,
    kind=some.sampled_from(["http", "sticky-http", "singleton"]),
    after=some.lists(words, max_size=2).map(tuple),
    placements=some.dictionaries(slots, placements, max_size=2),
    probes=some.lists(backends, max_size=2).map(tuple),
    router=perhaps,
    meter=perhaps,
    handover=perhaps,
    front=some.none() | words,
    metrics=some.lists(metrics, max_size=2).map(tuple),
)
contracts = some.builds(
    Contract,
    stack=words,
    target=words,
    start=slots,
    born=words,
    services=some.lists(services, max_size=2).map(tuple),
    plan=mappings,
    config=mappings,
    releases=some.dictionaries(slots, words),
)
A_CONTRACT = Contract(
    stack="staging",
    target="local",
    start="blue",
    born="now",
    services=(
        Service(
            name="api",
            kind="http",
            after=("db",),
            placements={"blue": Placement("api", "blue", "py39", "a", "v", None, None, "p", "f", {"A": "1"}, {"x": 1})},
            probes=(Backend("http", {"path": "/"}),),
            router=Backend("memory", {}),
            meter=None,
            handover=None,
            front=None,
            metrics=(Metric("rejects", Backend("sql", {}), 0.01, None, 10.0),),
            capacity=Backend("memory", {}),
        ),
    ),
    plan={},
    config={},
    journal=Backend("cluster", {"namespace": "trading", "stack": "staging"}),
    releases={"blue": "f"},
)


@given(contracts)
def test_a_contract_is_read_back_equal(contract: Contract) -> None:
    """Written, carried as text and read, a contract is the same value; it begins with its format."""
    document = json.loads(json.dumps(contract.to_json()))

    assert Contract.from_json(document) == contract
    assert next(iter(contract.to_json().items())) == ("format", FORMAT)


@pytest.mark.parametrize("number", [0, 2, "1", None])
def test_another_format_is_refused(number: object) -> None:
    """A document of another format, or of none, is refused, and the message says which it is."""
    with pytest.raises(ContractError, match=f"format {number!r} is not 1"):
        Contract.from_json({**A_CONTRACT.to_json(), "format": number})


@pytest.mark.parametrize("document", [None, [], "text", 1])
def test_what_is_no_object_is_refused(document: object) -> None:
    """Whatever is no object is no contract."""
    with pytest.raises(ContractError, match="a contract is an object"):
        Contract.from_json(document)


def places(document: Any, way: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:  # noqa: ANN401 - any JSON
    """The way to every value of a document that the contract itself gives a kind."""
    found = [way] if way and way[-1] != "format" else []
    free = {"plan", "config", "inputs", "environment", "settings", "releases"}
    if way and way[-1] in free:
        return found
    inner = document.items() if isinstance(document, dict) else enumerate(document) if isinstance(document, list) else ()
    return [*found, *(each for key, value in inner for each in places(value, (*way, key)))]


def changed(way: tuple[Any, ...], value: object, *, remove: bool = False) -> Any:  # noqa: ANN401
    """The contract's document with one value replaced or removed."""
    document: Any = json.loads(json.dumps(A_CONTRACT.to_json()))
    inner = document
    for key in way[:-1]:
        inner = inner[key]
    if remove:
        del inner[way[-1]]
    else:
        inner[way[-1]] = value
    return document


WAYS = places(json.loads(json.dumps(A_CONTRACT.to_json())))


NUMBERS = {"at_most", "ratio", "every"}


@pytest.mark.parametrize("way", WAYS, ids=lambda way: ".".join(map(str, way)))
def test_a_value_of_another_kind_is_refused(way: tuple[Any, ...]) -> None:
    """A number in the place of any value, or a text in that of a number, is refused as a contract that cannot be read."""
    with pytest.raises(ContractError):
        Contract.from_json(changed(way, "5" if way[-1] in NUMBERS else 5))


def test_a_number_that_the_engine_wrote_is_the_same_number() -> None:
    """The engine writes 10.0 as 10, and it is read back as what it was; true is no number."""
    way = ("services", 0, "metrics", 0, "every")
    assert Contract.from_json(changed(way, 10)) == A_CONTRACT
    with pytest.raises(ContractError, match="metric rejects of api: every is bool"):
        Contract.from_json(changed(way, value=True))


def test_a_contract_from_before_there_were_metrics() -> None:
    """A service without a word of metrics has none."""
    assert Contract.from_json(changed(("services", 0, "metrics"), None, remove=True)).service("api").metrics == ()


LATER = frozenset({"blue", "metrics", "container", "daemon", "capacity", "journal", "driver"})
"""What an older contract has no word of; and a slot, which may be absent."""


@pytest.mark.parametrize("way", [way for way in WAYS if isinstance(way[-1], str) and way[-1] not in LATER], ids=str)
def test_a_missing_value_is_refused(way: tuple[Any, ...]) -> None:
    """A contract without any of its fields is refused."""
    with pytest.raises(ContractError):
        Contract.from_json(changed(way, None, remove=True))


@pytest.mark.parametrize(
    ("way", "value", "message"),
    [
        (("colour",), "red", "colour"),
        (("services", 0, "colour"), "red", "colour"),
        (("start",), "red", "start: 'red' is none of blue, green"),
        (("services", 0, "kind"), "batch", "kind of api: 'batch' is none of http"),
        (("services", 0, "after"), "db", "'db' is no list"),
        (("services",), "text", "'text' is no list"),
        (("services", 0, "placements", "red"), A_CONTRACT.to_json()["services"][0]["placements"]["blue"], "slot of api: 'red'"),
    ],
)
def test_what_is_unknown_is_named(way: tuple[Any, ...], value: object, message: str) -> None:
    """A field, slot or kind that is not known is refused by its name."""
    with pytest.raises(ContractError, match=message):
        Contract.from_json(changed(way, value))


def test_a_service_is_found_by_its_name() -> None:
    """A service is found by its name; another name is a KeyError."""
    assert A_CONTRACT.service("api").after == ("db",)
    with pytest.raises(KeyError, match="web"):
        A_CONTRACT.service("web")


@given(some.dictionaries(words, values), some.randoms(use_true_random=False))
def test_a_fingerprint_does_not_know_order(document: dict[str, Any], chance: Any) -> None:  # noqa: ANN401 - hypothesis' own
    """The order of keys makes no difference, nor does the way through JSON."""
    names = list(document)
    chance.shuffle(names)
    shuffled = {name: document[name] for name in names}

    assert fingerprint(shuffled) == fingerprint(document) == fingerprint(json.loads(json.dumps(document)))
    assert len(fingerprint(document)) == 16


@given(mappings, mappings)
def test_other_inputs_have_another_fingerprint(one: dict[str, Any], other: dict[str, Any]) -> None:
    """Inputs that differ in their JSON have different fingerprints."""
    same = json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)
    assert (fingerprint(one) == fingerprint(other)) == same
