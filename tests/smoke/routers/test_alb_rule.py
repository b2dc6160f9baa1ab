"""What holds for our target groups in the actions of a rule; nobody is asked."""

import json
import subprocess
import sys
from collections.abc import Callable
from copy import deepcopy

import pytest
from hypothesis import given
from hypothesis import strategies as some

from infra.contract import Backend, Json
from smoke.errors import UsageError
from smoke.routers import router
from smoke.routers.alb_rule import Ours, RuleError, differences, policy, rule_in
from tests.smoke.routers.alb_actions import COGNITO, FOREIGN, LISTENER, OIDC, RULE, TARGETS, Document, forward, rules, sticky

OURS = Ours(TARGETS)
SETTINGS: dict[str, Json] = {"rule": RULE, "targets": TARGETS}


def shares(blue: int) -> dict[str, int]:
    """Weights."""
    return {"blue": blue, "green": 100 - blue}


def without_numbers(actions: list[Document]) -> list[Document]:
    """The actions, with nothing in the place of our weights, of what is for whom it is sent to, and of how long browsers stay."""
    plain = deepcopy(actions)
    for each in plain:
        each.get("AuthenticateOidcConfig", {}).pop("UseExistingClientSecret", None)
        if each["Type"] == "forward":
            each["ForwardConfig"].pop("TargetGroupStickinessConfig", None)
            for group in each["ForwardConfig"]["TargetGroups"]:
                group["Weight"] = None
    return plain


@given(actions=rules(), blue=some.integers(0, 100), keep=some.sets(some.sampled_from(["blue", "green"])))
def test_only_the_numbers_change(actions: list[Document], blue: int, keep: set[str]) -> None:
    """Whatever the rule, what is sent is what was read but for our weights, in the same order; what was read stays as it was."""
    before = json.dumps(actions)
    sent = rule_in(actions, OURS).written(shares(blue), keep)
    assert json.dumps(without_numbers(sent)) == json.dumps(without_numbers(actions))
    assert json.dumps(actions) == before
    assert dict(rule_in(sent, OURS).weights) == shares(blue)


@given(actions=rules(), blue=some.integers(1, 99))
def test_browsers_stay_as_the_rule_says(actions: list[Document], blue: int) -> None:
    """While each slot has weight, for how long browsers stay is sent as it was read, to the letter."""
    sent = rule_in(actions, OURS).written(shares(blue), ())
    config = [each["ForwardConfig"]["TargetGroupStickinessConfig"] for each in (actions[-1], sent[-1])]
    assert config[0] == config[1]


@given(actions=rules(), blue=some.integers(0, 100), keep=some.sets(some.sampled_from(["blue", "green"])))
def test_the_setting_is_always_written(actions: list[Document], blue: int, keep: set[str]) -> None:
    """Where the settings say how long browsers stay, they do exactly while each slot may be reached, whatever was before."""
    sent = rule_in(actions, Ours(TARGETS, 600)).written(shares(blue), keep)
    reached = {slot for slot, share in shares(blue).items() if share} | keep
    config = sent[-1]["ForwardConfig"]["TargetGroupStickinessConfig"]
    assert config == {"Enabled": reached == {"blue", "green"}, "DurationSeconds": 600}


def test_whoever_goes_back_ends_every_stay() -> None:
    """A slot that loses all its weight and is not kept is not stayed on; the seconds are left in the rule for people to see."""
    rule = rule_in([forward(blue=90, green=10, **sticky(600))], OURS)
    assert not rule.forgets(shares(100), ())
    config = rule.written(shares(100), ())[0]["ForwardConfig"]["TargetGroupStickinessConfig"]
    assert config == {"Enabled": False, "DurationSeconds": 600}
    assert rule.written(shares(100), {"green"})[0]["ForwardConfig"]["TargetGroupStickinessConfig"]["Enabled"]


@pytest.mark.parametrize(("blue", "green", "wanted"), [(100, 0, 95), (90, 10, 50), (90, 10, 0)])
def test_how_long_they_stay_is_never_only_in_the_rule(blue: int, green: int, wanted: int) -> None:
    """Who goes forward is told before, where a way back would make the rule forget how long browsers stay."""
    rule = rule_in([forward(blue=blue, green=green, **sticky(600))], OURS)
    assert rule.forgets(shares(wanted), ()) == (wanted != 0)
    assert not rule_in(rule.actions, Ours(TARGETS, 600)).forgets(shares(wanted), ())
    assert not rule.forgets(shares(blue), ())


def test_a_secret_that_cannot_be_read_stays() -> None:
    """Nobody is told the secret of a login; who sends the action says that it stays, and one that is said is sent."""
    known = {**OIDC, "AuthenticateOidcConfig": {**OIDC["AuthenticateOidcConfig"], "ClientSecret": "s"}}
    for action, kept in ((OIDC, True), (known, None)):
        sent = rule_in([action, forward()], OURS).written(shares(50), ())[0]["AuthenticateOidcConfig"]
        assert sent.get("UseExistingClientSecret") is kept


STRANGE: dict[str, tuple[list[Document], str]] = {
    "nothing": ([], "0 actions that forward, and not one: none"),
    "no forward": ([{"Type": "fixed-response"}], "0 actions that forward, and not one: fixed-response"),
    "two": ([forward(), forward()], "2 actions that forward"),
    "foreign": ([forward({**TARGETS, "blue": FOREIGN})], "none of ours: targetgroup/foreign/73e2d6bc24d8a067"),
    "one group": ([{"Type": "forward", "TargetGroupArn": TARGETS["blue"]}], "does not forward to targetgroup/green"),
    "no group": ([{"Type": "forward"}], "none of ours: none"),
    "twice": ([forward({"blue": TARGETS["blue"], "green": TARGETS["blue"]})], "does not forward to targetgroup/green"),
    "three": (
        [{"Type": "forward", "ForwardConfig": {"TargetGroups": [{"TargetGroupArn": each} for each in [*TARGETS.values()] * 2]}}],
        "one target group twice",
    ),
    "below zero": ([forward(blue=-1)], "weights below 0"),
    "no number": ([forward(TargetGroupStickinessConfig={"Enabled": True, "DurationSeconds": "long"})], "no rule"),
    "no type": ([{}], "no rule"),
}


@pytest.mark.parametrize("name", STRANGE)
def test_a_rule_that_is_not_understood_is_refused(name: str) -> None:
    """What does not forward once, to our target groups and to no others, has no place for our weights, and it is said why."""
    actions, why = STRANGE[name]
    with pytest.raises(RuleError, match=why):
        rule_in(actions, OURS)


@pytest.mark.parametrize(
    ("blue", "green", "percent"), [(1, 1, 50), (9, 1, 90), (999, 0, 100), (0, 7, 0), (1, 2, None), (0, 0, None)]
)
def test_percents_are_whole_or_an_error(blue: int, green: int, percent: int | None) -> None:
    """Weights of any sum are percents where those are whole; nothing is rounded."""
    rule = rule_in([forward(blue=blue, green=green)], OURS)
    if percent is None:
        with pytest.raises(RuleError, match="no whole percentages"):
            rule.percents()
    else:
        assert rule.percents() == shares(percent)


@given(actions=rules())
def test_what_the_service_says_otherwise_is_no_difference(actions: list[Document]) -> None:
    """Order that begins elsewhere, groups in another order and a stay that is off and says no seconds are the same actions."""
    other = deepcopy(actions)
    for place, each in enumerate(other, start=1):
        each["Order"] = place
    other[-1]["ForwardConfig"]["TargetGroups"].reverse()
    if not (config := other[-1]["ForwardConfig"]["TargetGroupStickinessConfig"])["Enabled"]:
        config["DurationSeconds"] = 3600
    assert differences(actions, other) == []


@pytest.mark.parametrize(
    ("change", "where"),
    [
        (lambda actions: actions[0]["AuthenticateOidcConfig"].update(Scope="all"), "action 1.AuthenticateOidcConfig.Scope"),
        (
            lambda actions: actions[1]["ForwardConfig"]["TargetGroups"][0].update(Weight=7),
            "action 2.ForwardConfig.TargetGroups.targetgroup/blue/73e2d6bc24d8a067",
        ),
        (lambda actions: actions[1]["ForwardConfig"].update(sticky(5)), "action 2.ForwardConfig.TargetGroupStickinessConfig"),
        (lambda actions: actions.insert(0, COGNITO), "actions"),
    ],
)
def test_every_other_difference_is_named(change: Callable[[list[Document]], object], where: str) -> None:
    """What somebody changed is said by its place in the actions."""
    actions = [OIDC, forward()]
    other = deepcopy(actions)
    change(other)
    assert differences(actions, other) == [where]


def test_the_policy_is_for_one_rule() -> None:
    """Whoever follows the policy may change that rule, or that listener, and nothing else."""
    changes = {rule: policy({"rule": rule})["Statement"][1] for rule in (RULE, LISTENER)}
    actions = {rule: (each["Action"], each["Resource"]) for rule, each in changes.items()}
    assert actions == {
        RULE: ("elasticloadbalancing:ModifyRule", RULE),
        LISTENER: ("elasticloadbalancing:ModifyListener", LISTENER),
    }


WRONG: list[dict[str, Json]] = [
    {"rule": "arn:aws:s3:::bucket"},
    {"rule": TARGETS["blue"]},
    {"rule": RULE.replace("/app/", "/net/")},
    {"targets": {"blue": TARGETS["blue"]}},
    {"targets": {"blue": TARGETS["blue"], "green": TARGETS["blue"]}},
    {"targets": {"blue": TARGETS["blue"], "green": RULE}},
    {"stickiness": 0},
    {"stickiness": 604_801},
    {"stickiness": 1.5},
    {"timeout": 0},
    {"region": ""},
]


@pytest.mark.parametrize("wrong", WRONG, ids=str)
def test_settings_that_cannot_be_are_named(wrong: dict[str, Json]) -> None:
    """A setting that is not of its kind is a usage error that names it, and nobody is asked."""
    with pytest.raises(UsageError, match=f"router alb: {next(iter(wrong))} is missing"):
        router(Backend("alb", {**SETTINGS, **wrong}))


def test_the_library_is_not_loaded_before_it_is_needed() -> None:
    """Router and meter are made without boto3; where it is missing, a question says which extra has it."""
    program = (
        "import sys; sys.modules['boto3'] = None\n"
        "from smoke.routers.alb import AlbRouter; from smoke.errors import RouterError; import smoke.meters.cloudwatch\n"
        f"made = AlbRouter({SETTINGS!r})\n"
        "assert 'botocore' not in sys.modules\n"
        "try: made.read()\n"
        "except RouterError as error: sys.exit(0 if 'uv sync --extra aws' in str(error) else 3)\n"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
