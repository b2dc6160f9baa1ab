"""What holds for secrets in what Pulumi says: none is repeated."""

import pytest
from hypothesis import given
from hypothesis import strategies as some

from smoke.stack.secrets import SECRETS, without_secrets


@pytest.mark.parametrize("name", SECRETS)
def test_each_is_left_out(name: str) -> None:
    """Wherever it stands, as often as it does; what is no secret stays."""
    environment = {name: "tulip(1", "HOME": "shop"}

    assert without_secrets("shop: tulip(1tulip(1, tulip", environment) == "shop: [secret][secret], tulip"


def test_an_empty_one_protects_nothing() -> None:
    """Nothing is left out where no secret is set, or an empty one."""
    assert without_secrets("error", {"PULUMI_CONFIG_PASSPHRASE": ""}) == "error"
    assert without_secrets("error", {}) == "error"


def test_one_that_is_a_part_of_another() -> None:
    """The longer one is left out whole; and the word that stands for it is not taken for a secret."""
    environment = {"PULUMI_CONFIG_PASSPHRASE": "secret", "AWS_SESSION_TOKEN": "secret-tulip"}

    assert without_secrets("a secret-tulip", environment) == "a [secret]"


@given(some.text(min_size=1).filter(str.strip), some.text(), some.text())
def test_any(secret: str, before: str, after: str) -> None:
    """Whatever it is made of, it is gone from between what stands around it."""
    held = secret.strip()
    said = without_secrets(f"{before}{held}{after}", {"PULUMI_CONFIG_PASSPHRASE": secret})

    assert held not in said.replace("[secret]", "\n")
