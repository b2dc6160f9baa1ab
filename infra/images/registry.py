"""Who we are to a registry. Amazon's is asked for a password of some hours; to any other we are whoever `docker login` said."""

import base64
import re
from dataclasses import dataclass
from importlib import import_module

_ECR = re.compile(r"\d{12}\.dkr\.ecr(?:-fips)?\.(?P<region>[a-z0-9-]+)\.amazonaws\.com(?:\.cn)?")


class RegistryError(Exception):
    """A password cannot be had; says what to do."""


@dataclass(frozen=True, slots=True)
class Login:
    """A name and a password, and the host that they are for."""

    address: str
    username: str
    password: str

    def __repr__(self) -> str:
        """Without the password: it would land in a log."""
        return f"Login(address={self.address!r}, username={self.username!r})"


def login(registry: str) -> Login | None:
    """A login made for this moment, or None: the registry is none of Amazon's.

    Raises:
        RegistryError: boto3 is not there, has no credentials, or Amazon refuses them.
    """
    host = registry.partition("/")[0]
    found = _ECR.fullmatch(host)
    if found is None:
        return None
    username, _, password = base64.b64decode(_token(host, found["region"])).decode().partition(":")
    return Login(host, username, password)


def _token(host: str, region: str) -> str:
    try:
        # By name: it is no dependency, and only a registry of Amazon's needs it.
        boto3, botocore = import_module("boto3"), import_module("botocore.exceptions")
    except ImportError:
        raise RegistryError(f"{host} is asked for a password by boto3, which is not here: uv pip install boto3") from None
    try:
        client = boto3.client("ecr", region_name=region)
        data = client.get_authorization_token()["authorizationData"]
    except (botocore.BotoCoreError, botocore.ClientError) as error:
        raise RegistryError(f"{host} gives no password: {error}\ntry it: aws ecr get-login-password --region {region}") from None
    return str(data[0]["authorizationToken"])
