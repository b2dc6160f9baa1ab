"""What must not be said: secrets of our own environment, wherever Pulumi repeats them."""

import re
from collections.abc import Mapping

SECRETS = (
    "PULUMI_CONFIG_PASSPHRASE",
    "PULUMI_ACCESS_TOKEN",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AZURE_STORAGE_KEY",
)
"""Variables that hold what opens the state."""


def without_secrets(text: str, environment: Mapping[str, str]) -> str:
    """The text with ``[secret]`` wherever it had the value of such a variable."""
    values = {environment.get(name, "").strip() for name in SECRETS} - {""}
    # Longest first, and all at once: one may be a part of another, or of the word that stands for it.
    pattern = "|".join(re.escape(each) for each in sorted(values, key=len, reverse=True))
    return re.sub(pattern, "[secret]", text) if pattern else text
