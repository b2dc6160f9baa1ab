"""The door to a cluster: address, certificates and credentials of a context, as the library lightkube reads them."""

import os
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from smoke.foreign import shortened

if TYPE_CHECKING:
    import httpx2
    from lightkube.config.kubeconfig import SingleConfig
    from lightkube.config.models import User

_EXEC = "client.authentication.k8s.io/"


class NoWay(Exception):
    """There is no kubeconfig, or it does not lead to a cluster; the text says why."""


def opened(context: str | None, timeout: float) -> "httpx2.Client":
    """What speaks to the server of that context, as its user; nothing is asked yet.

    Args:
        context: its name. None: the current one, or where there is no kubeconfig the service account of the pod that this is.
        timeout: seconds that the server may take to go on with an answer.

    Raises:
        NoWay: the kubeconfig has no such context, or not all that belongs to it.
    """
    import httpx2  # noqa: PLC0415 - see below
    import yaml  # noqa: PLC0415 - see below
    from lightkube.config.client_adapter import Client, ConnectionParams  # noqa: PLC0415 - 0.3 s that `status` must not pay

    try:
        config = _config(context)
        config = config._replace(user=_user(config.user))
        return Client(config, ConnectionParams(timeout=httpx2.Timeout(timeout)))
    except yaml.YAMLError:
        # Its own words repeat lines of the file, which has secrets.
        raise NoWay(f"{_way(context)}: it is no YAML") from None
    except troubles() as error:
        raise NoWay(f"{_way(context)}: {shortened(str(error) or type(error).__name__)}") from error


def _way(context: str | None) -> str:
    return f"the kubeconfig has no way to the cluster of {f'context {context}' if context else 'the current context'}"


@cache
def troubles() -> tuple[type[Exception], ...]:
    """What is raised where a server cannot be asked, or credentials for it cannot be had."""
    import httpx2  # noqa: PLC0415 - it comes with lightkube
    from lightkube.core.exceptions import ConfigError  # noqa: PLC0415 - see above

    # Whatever a kubeconfig or a program for credentials says is taken as it is, and is of the wrong kind where it is used. A
    # client that another thread closes, since its credentials are no good any more, is a RuntimeError.
    foreign = (OSError, ValueError, LookupError, TypeError, AttributeError, RuntimeError)
    return (httpx2.HTTPError, httpx2.InvalidURL, ConfigError, *foreign)


def _config(context: str | None) -> "SingleConfig":
    """Cluster and user of that context: of the first file that has it. Files with several are not merged further."""
    from lightkube.config.kubeconfig import DEFAULT_KUBECONFIG, KubeConfig  # noqa: PLC0415 - see above
    from lightkube.core.exceptions import ConfigError  # noqa: PLC0415 - see above

    names = [name for name in os.environ.get("KUBECONFIG", "").split(os.pathsep) if name] or [DEFAULT_KUBECONFIG]
    files = [file for file in (Path(name).expanduser() for name in names) if file.is_file()]
    known = [KubeConfig.from_file(file) for file in files]
    if not known and context is None and "KUBERNETES_SERVICE_HOST" in os.environ:
        known = [KubeConfig.from_service_account()]
    if not known:
        raise ConfigError(f"no file {', '.join(names)}")
    wanted = context or next((each.current_context for each in known if each.current_context), None)
    found = next((each.get(wanted) for each in known if wanted in each.contexts), None)
    if found is None:
        there = sorted({name for each in known for name in each.contexts})
        raise ConfigError(f"there is no context {wanted or 'chosen'}; it has {', '.join(there) or 'none'}")
    return found


def _user(user: "User | None") -> "User":
    """The user as lightkube takes it."""
    from lightkube.config.models import User  # noqa: PLC0415 - see above

    if user is not None and user.exec is not None and user.exec.apiVersion == f"{_EXEC}v1":
        # It refuses the name of the stable form, in which a program prints its token in the same place.
        user.exec.apiVersion = f"{_EXEC}v1beta1"
    return user or User()
