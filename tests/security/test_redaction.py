"""What holds for texts that may have a secret in them."""

import io
import json
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as some

from smoke.redaction import HIDDEN, Redacting, redact_urls, redacted, redacted_record, secrets_in

BARE = {
    "https://me:{}@shop.example/x": "https://me:***@shop.example/x",
    "postgresql://me:{}@db:5432/orders": "postgresql://me:***@db:5432/orders",
    "https://{}@shop.example": "https://***@shop.example",
    "password={}": "password=***",
    "DATABASE_PASSWORD: {}": "DATABASE_PASSWORD: ***",
    "AWS_SECRET_ACCESS_KEY={}": "AWS_SECRET_ACCESS_KEY=***",
    "authorization: Bearer {}": "authorization: ***",
    "curl -H 'Authorization: Basic {}' x": "curl -H 'Authorization: ***' x",
    "x-api-key: {}": "x-api-key: ***",
    "http://p/q?token={}&slot=blue": "http://p/q?token=***&slot=blue",
    "ask --password {} --slot blue": "ask --password *** --slot blue",
    "ask --db-token={} now": "ask --db-token=*** now",
    "{{'password': '{}'}}": "{'password': '***'}",
    'password="{}': 'password="***"',
}
"""Texts with a secret at the braces, as they come and as they go."""
OPEN = (
    '{"holder": null, "token": 5}',
    'printf \'{"holder": null, "token": %d}\' > fence.json',
    "fence.json has no token: {'holder': 'green', 'token': 5}",
    "somebody gave the work to green (token 5)",
    "name a file in PULUMI_CONFIG_PASSPHRASE_FILE=/dev/null",
    "TOKEN_FILE: /run/token",
    "a password would lie open in the state: let a proxy on this machine add it",
    "passed: all 5 gates; errors 0.1 %",
    "http://127.0.0.1:8080/a:b?c=d@e",
    '{"password": null}',
)
"""Texts without one."""
words = some.text(some.characters(codec="ascii", categories=("L", "N")), min_size=8, max_size=40).filter(
    lambda word: "*" not in word
)


@pytest.mark.parametrize(("text", "expected"), BARE.items())
@pytest.mark.parametrize("secret", ["c4nary", "4711", "s3cr.et-/+=~"])
def test_by_form_and_by_name(text: str, expected: str, secret: str) -> None:
    """Passwords in URLs, and values of what is called so, are hidden, also cut off in the middle; the rest of a text stays."""
    if "://" in expected and "/" in secret:
        secret = secret.replace("/", "%2F")  # as a URL must have it

    assert redacted(text.format(secret)) == expected


@pytest.mark.parametrize("text", OPEN)
def test_what_is_none_stays(text: str) -> None:
    """The token of a fence, the place of a secret, prose and addresses are no secrets."""
    assert redacted(text) == text


@given(
    some.dictionaries(some.sampled_from(["password", "api_token", "Authorization", "SOME_SECRET"]), some.text() | some.integers())
)
def test_json_stays_json(values: Mapping[str, str | int]) -> None:
    """What was JSON is JSON afterwards, with the same keys, also where it is a text in JSON."""
    for levels in (1, 2):
        text: object = dict(values)
        for _ in range(levels):
            text = json.dumps(text)
        found: object = redacted(str(text))
        for _ in range(levels):
            found = json.loads(str(found))

        assert isinstance(found, dict)
        assert found.keys() == values.keys()


@given(some.lists(words, min_size=1, max_size=3), some.lists(some.text(max_size=20), min_size=1, max_size=3))
def test_by_value(secrets: list[str], between: list[str]) -> None:
    """The value of a variable that is a secret is hidden wherever it stands, also as JSON writes it."""
    found = secrets_in({f"T{number}_TOKEN": value for number, value in enumerate(secrets)})
    text = "".join(f"{part}{secret}" for part, secret in zip(between * 3, secrets, strict=False))

    assert [each for each in secrets if each in redacted(text, found)] == []
    assert [each for each in secrets if each in redacted(json.dumps(text), found)] == []


def test_which_variables_are_secrets() -> None:
    """They are by their names; a file or a folder is none, a value under eight characters is not looked for."""
    secret = {"PULUMI_CONFIG_PASSPHRASE": "first value", "AWS_SECRET_ACCESS_KEY": "second value", "GH_TOKEN": "third value"}
    secret |= {"PGPASSWORD": "fourth value", "db_password": "fifth value", "STRIPE_KEY": "sixth value", "DB_PASS": 'a "seventh"'}
    none = {"PWD": "/home/somebody", "SSH_AUTH_SOCK": "/run/ssh-1234", "API_KEY_FILE": "/run/api-key", "A_TOKEN": "short"}
    none |= {"KEYBOARD": "de-latin1-nodeadkeys", "PASSING_SHOTS": "some hundred"}

    assert set(secrets_in({**secret, **none})) == {*secret.values(), 'a \\"seventh\\"'}


def test_a_secret_of_several_lines() -> None:
    """Each of its lines is hidden, however they are indented."""
    secrets = secrets_in({"SIGNING_KEY": "-----BEGIN KEY-----\nfirst-line-of-it\nsecond-line-of-it\n"})

    assert redacted("cause: first-line-of-it\n         second-line-of-it", secrets) == f"cause: {HIDDEN}\n         {HIDDEN}"


def test_urls_alone() -> None:
    """Of a URL only what is before its host is hidden, wherever it stands in a text."""
    assert redact_urls("(amqp://u:p@h/v, https://h/p@q)") == "(amqp://u:***@h/v, https://h/p@q)"


def test_a_record() -> None:
    """Of a record what people are told is hidden, at any depth; what a rollout goes back to is as it was."""
    inputs = {"blue": {"api": {"env": {"API_TOKEN": "c4nary"}}}}
    record = {"event": "opened", "inputs": inputs, "queries": {"api": 'command {"run": ["x", "--token", "c4nary"]}'}}
    failed = {"event": "failed", "because": ("password=c4nary", "errors 1 %")}

    assert redacted_record(record) == {**record, "queries": {"api": 'command {"run": ["x", "--token", "***"]}'}}
    assert redacted_record(failed) == {"event": "failed", "because": ("password=***", "errors 1 %")}


def test_a_stream() -> None:
    """A stream writes what is left of a text, says that it took all, and is else what it was."""
    inner = io.StringIO()
    stream = Redacting(inner, ["value-of-it"])
    taken = stream.write("a value-of-it, token=c4nary\n")

    assert (taken, inner.getvalue(), stream.isatty()) == (28, "a ***, token=***\n", False)


@pytest.mark.parametrize("piece", ["token", "password ", "-", "--token", '\\"', "://", "x@", "secret='", "key=\\"])
def test_no_text_takes_long(piece: str) -> None:
    """A hundred thousand characters of whatever looks like the beginning of something are gone through, to the end."""
    assert redacted(piece * (100_000 // len(piece)) + " . password=c4nary").endswith("password=***")
