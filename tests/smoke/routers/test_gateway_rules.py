"""What holds for what is read in an HTTPRoute, and for the rules that are sent back; no cluster is asked."""

from contextlib import suppress
from copy import deepcopy

import pytest
from hypothesis import given
from hypothesis import strategies as some

from infra.contract import Json
from smoke.errors import UsageError
from smoke.routers.gateway import GatewayRouter
from smoke.routers.gateway_rules import RuleError, Word, route_in
from tests.smoke.routers.gateway_routes import OURS, SETTINGS, STICKY, backend, read, report, route, rule, sticky

PARTS = [
    "metadata",
    "spec",
    "status",
    "rules",
    "backendRefs",
    "weight",
    "parents",
    "parentRef",
    "conditions",
    "observedGeneration",
]
TEXTS = some.sampled_from([*PARTS, "type", "name", "namespace", "crossfade", "api-blue", "api-green", "shop", "7", ""])
JSON = some.recursive(
    some.none() | some.booleans() | some.integers() | some.floats(allow_nan=False) | TEXTS,
    lambda inner: some.lists(inner, max_size=3) | some.dictionaries(TEXTS, inner, max_size=4),
)
OBJECTS = some.dictionaries(TEXTS, JSON, max_size=4)
FOREIGN = some.builds(lambda each, name: {**each, "name": name}, OBJECTS, some.sampled_from(["theirs", "beta", None]))
EXTRAS = some.builds(
    backend, some.sampled_from(["other", "mirror"]), some.none() | some.integers(0, 1000), filters=some.lists(OBJECTS, max_size=2)
)
SHARES = some.integers(0, 100)


def blanked(rules: list[Json]) -> list[Json]:
    """The rules without our weights."""
    copied = deepcopy(rules)
    for each in copied:
        for one in each["backendRefs"] if each.get("name") == "crossfade" else ():
            if one["name"] in OURS.backends.values():
                del one["weight"]
    return copied


OTHERS = some.lists(FOREIGN, max_size=2)
MINE = some.builds(
    lambda weights, extras, more: rule(*weights, *extras, **more),
    some.tuples(SHARES, SHARES),
    some.lists(EXTRAS, max_size=2),
    some.dictionaries(some.sampled_from(["matches", "filters", "timeouts"]), JSON),
)


@given(rules=some.builds(lambda before, mine, after: [*before, mine, *after], OTHERS, MINE, OTHERS), share=SHARES)
def test_only_our_weights_change(rules: list[Json], share: int) -> None:
    """Of all rules only the two numbers of ours become others; rules, filters, matches and backends of others stay, in order."""
    found = route_in(read(*deepcopy(rules)), OURS)
    changed = found.rules({"blue": 100 - share, "green": share})
    assert blanked(changed) == blanked(rules)
    assert route_in(read(*changed), OURS).weights == {"blue": 100 - share, "green": share}
    assert found.document["spec"]["rules"] == rules


@given(blue=some.integers(0, 1_000_000), green=some.integers(0, 1_000_000), share=SHARES)
def test_percentages_are_whole_or_refused(blue: int, green: int, share: int) -> None:
    """Whatever numbers stand there, they read as percentages of the same proportion, 100 in all, or not at all."""
    found = route_in(read(rule(blue, green)), OURS)
    wanted = {"blue": 100 - share, "green": share}
    total = blue + green
    if not total or blue * 100 % total:
        with pytest.raises(RuleError, match=f"api-blue {blue}, api-green {green}"):
            found.percents()
        assert not found.has(wanted)
    else:
        percents = found.percents()
        assert sum(percents.values()) == 100
        assert percents["blue"] * green == percents["green"] * blue
        assert found.has(percents)
        assert found.has(wanted) == (percents == wanted)


@given(before=SHARES, share=SHARES, keep=some.sets(some.sampled_from(["blue", "green"])))
def test_browsers_stay_where_there_is_a_way(before: int, share: int, keep: set[str]) -> None:
    """Who is kept on a slot that has weight, or is to be kept, goes there alone; else where all go. The weights are all's."""
    wanted = {"blue": 100 - share, "green": share}
    found = route_in(read(*sticky(before)), STICKY)
    changed = route_in(read(*found.rules(wanted, keep)), STICKY)
    assert changed.has(wanted, keep)
    assert changed.percents() == wanted
    for slot in ("blue", "green"):
        alone = {each: 100 * (each == slot) for each in wanted}
        assert changed.kept[slot] == (alone if wanted[slot] or slot in keep else wanted)


@given(share=SHARES, broken=some.sampled_from([[], [{"name": "crossfade-blue"}], 2 * [rule(name="crossfade-blue")]]))
def test_a_rule_for_browsers_that_is_broken_keeps_nobody_from_going_back(share: int, broken: list[Json]) -> None:
    """It is named as missing, stays as it is, and weights are written all the same."""
    own, _, green = sticky()
    found = route_in(read(own, *broken, green), STICKY)
    changed = found.rules({"blue": 100 - share, "green": share})
    assert found.missing == ["crossfade-blue"]
    assert changed[1:-1] == broken
    assert route_in(read(*changed), STICKY).weights == {"blue": 100 - share, "green": share}


def test_weights_of_any_sum() -> None:
    """Nine to one is 90 to 10, a backend that says no weight has 1, and thirds are told as they are."""
    assert route_in(read(rule(9, 1)), OURS).percents() == {"blue": 90, "green": 10}
    assert route_in(read(rule(None, None)), OURS).percents() == {"blue": 50, "green": 50}
    with pytest.raises(RuleError, match="no whole percentages: api-blue 2, api-green 1"):
        route_in(read(rule(2, 1)), OURS).percents()
    with pytest.raises(RuleError, match="no whole percentages: api-blue 0, api-green 0"):
        route_in(read(rule(0, 0)), OURS).percents()


def test_what_others_take_is_in_no_number() -> None:
    """A backend of others in our rule changes no percentage: these are of what comes to ours."""
    assert route_in(read(rule(90, 10, backend("mirror", 50))), OURS).percents() == {"blue": 90, "green": 10}


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        ([rule(100, 0) | {"name": "theirs"}], "it has no rule crossfade"),
        ([{"backendRefs": []}], "it has no rule crossfade"),
        ([rule(), rule()], "it has 2 rules crossfade"),
        ([{"name": "crossfade"}], "has backend api-blue 0 times, api-green 0 times, not once"),
        ([{"name": "crossfade", "backendRefs": [backend("api-blue", 1)]}], "has backend api-green 0 times, not once"),
        ([rule(1, 1, backend("api-blue", 1, port=81))], "has backend api-blue 2 times, not once"),
        ([{"name": "crossfade", "backendRefs": [backend("api-blue", 1), backend("api-green", 1, kind="Pool")]}], "api-green 0"),
        ([{"name": "crossfade", "backendRefs": [backend("api-blue", 1), backend("api-green", 1, group="x.io")]}], "api-green 0"),
        ([{"name": "crossfade", "backendRefs": [backend("api-blue", 1, namespace="b"), backend("api-green", 1)]}], "api-blue 0"),
    ],
)
def test_what_is_not_there_once_is_named(rules: list[Json], said: str) -> None:
    """Our rule, and each of our Services in it, is there once; a thing of another kind or namespace is not it."""
    with pytest.raises(RuleError, match=said):
        route_in(read(*rules), OURS)


def test_a_backend_may_say_what_goes_without_saying() -> None:
    """A Service of the same namespace is ours, whether group, kind and namespace are said or not."""
    spelt = [backend(name, 50, group="", kind="Service", namespace="shop") for name in OURS.backends.values()]
    assert route_in(read({"name": "crossfade", "backendRefs": spelt}), OURS).percents() == {"blue": 50, "green": 50}


REPORTS = some.one_of(
    JSON,
    some.builds(lambda each, one: report() | {"conditions": [report()["conditions"][0] | each, one]}, OBJECTS, JSON),
    some.builds(lambda key, value: report() | {"conditions": [{"type": "Accepted", key: value}]}, TEXTS, JSON),
)


@given(
    document=some.one_of(
        JSON,
        OBJECTS.map(lambda each: {**read(), **each}),
        OBJECTS.map(lambda each: read(rule() | each)),
        REPORTS.map(lambda each: read(said=[each])),
        JSON.map(lambda each: read(rule(each))),
    )
)
def test_any_answer_is_a_route_or_refused(document: Json) -> None:
    """Whatever is answered instead of a route, it is refused in words, and never breaks."""
    with suppress(RuleError):
        found = route_in(document, OURS)
        assert set(found.weights) == {"blue", "green"}
        assert isinstance(found.word(1), Word)


def said(*reports: Json, generation: int = 2, **more: Json) -> Word:
    """What gateways say of the second generation."""
    return route_in(read(generation=generation, said=reports, **more), OURS).word(2)


def test_a_route_is_served_once_all_have_said_so() -> None:
    """Every gateway that reports has accepted this generation or a later one, and found all that it leads to."""
    assert said(report(2)) == Word()
    assert said(report(3), generation=3) == Word()
    assert said(report(2), report(2, "back"), gateways=("front", "back")) == Word()


def test_who_has_not_said_it_is_awaited() -> None:
    """Nobody's word, an older generation's, a half one or an unknown one is none yet, and says who is waited for."""
    assert said().awaited == "no gateway says that it knows the route"
    assert "gateway front has not said Accepted of generation 2" in said(report(1)).awaited
    assert said(report(2), report(1, "back"), gateways=("front", "back")).awaited.startswith("gateway back has not said Accepted")
    half = report(2) | {"conditions": report(2)["conditions"][:1]}
    assert said(half).awaited == "gateway front has not said ResolvedRefs of generation 2"
    unknown = "gateway front says that Accepted is Unknown: Pending: it is Unknown"
    assert said(report(2, accepted="Unknown", reason="Pending")) == Word(awaited=unknown)


def test_a_refusal_has_its_reason() -> None:
    """What a gateway cannot serve is told with its reason and message; what it said of an older generation is no refusal."""
    missing = report(2, resolved="False", reason="BackendNotFound")
    assert said(missing) == Word(refused="gateway front says that ResolvedRefs is False: BackendNotFound: it is False")
    assert said(report(1, accepted="False")).refused == ""


def test_a_gateway_that_the_route_left_says_nothing() -> None:
    """The word of a gateway that is no parent any more neither keeps nor refuses anything."""
    assert said(report(2), report(1, "former", accepted="False")) == Word()
    assert said(report(2, "former")).awaited == "no gateway says that it knows the route"


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"colour": "red"}, "colour"),
        ({"route": ""}, "route"),
        ({"backends": {}}, "backends"),
        ({"backends": {"blue": "api", "green": "api"}}, "backends"),
        ({"backends": ["api"]}, "backends"),
        ({"timeout": 0}, "timeout"),
        ({"context": 1}, "context"),
    ],
)
def test_settings_are_refused_by_name(changed: dict[str, Json], named: str) -> None:
    """A setting that is unknown or of the wrong kind is a usage error that names it; the kubeconfig is not looked at."""
    with pytest.raises(UsageError, match=f"router gateway: {named} is missing, unknown or of the wrong kind"):
        GatewayRouter({**SETTINGS, **changed})


def test_a_route_to_apply_has_what_a_read_one_has() -> None:
    """The tests' own documents are routes."""
    assert route_in(read(), OURS).document["spec"] == route()["spec"]
