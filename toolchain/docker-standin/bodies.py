"""From a resource's inputs to what the Engine API takes. Numbers come from Pulumi as floats; the daemon wants whole ones."""

import re
from collections.abc import Mapping
from typing import Any

Inputs = Mapping[str, Any]
MB = 1024 * 1024
SECOND = 1_000_000_000
"""One in the nanoseconds of the Engine API."""
UNITS = {"ns": 1, "us": 1_000, "ms": 1_000_000, "s": SECOND, "m": 60 * SECOND, "h": 3600 * SECOND}


def network(inputs: Inputs) -> Mapping[str, Any]:
    """The body of ``/networks/create``. An older engine checks for a second one of the name only when it is asked to."""
    return {
        "Name": inputs["name"],
        "CheckDuplicate": True,
        "Driver": inputs.get("driver", "bridge"),
        "Labels": labels(inputs),
        "IPAM": {"Config": [_pool(each) for each in inputs.get("ipamConfigs", [])]},
    }


def container(inputs: Inputs) -> Mapping[str, Any]:
    """The body of ``/containers/create``; its networks are joined afterwards."""
    return _given(
        Image=inputs["image"],
        Cmd=inputs.get("command"),
        Entrypoint=inputs.get("entrypoints"),
        Env=inputs.get("envs"),
        Labels=labels(inputs),
        User=inputs.get("user"),
        WorkingDir=inputs.get("workingDir"),
        StopSignal=inputs.get("stopSignal"),
        StopTimeout=_whole(inputs.get("stopTimeout")),
        ExposedPorts={_port(each): {} for each in inputs.get("ports", [])},
        Healthcheck=_healthcheck(inputs.get("healthcheck")),
        HostConfig=_host(inputs),
    )


def limits(inputs: Inputs) -> Mapping[str, Any]:
    """What may change while a container runs: the body of ``/containers/ID/update``."""
    return _given(
        Memory=_megabytes(inputs.get("memory", 0)),
        MemorySwap=_megabytes(inputs.get("memorySwap")),
        RestartPolicy={"Name": inputs.get("restart", "no")},
    )


def endpoint(joined: Inputs) -> Mapping[str, Any]:
    """How a container joins a network, of an entry in ``networksAdvanced``."""
    address = joined.get("ipv4Address")
    return _given(Aliases=joined.get("aliases"), IPAMConfig={"IPv4Address": address} if address else None)


def labels(inputs: Inputs) -> Mapping[str, str]:
    """Labels as the daemon has them."""
    return {each["label"]: each["value"] for each in inputs.get("labels", [])}


def _host(inputs: Inputs) -> Mapping[str, Any]:
    capabilities = inputs.get("capabilities", {})
    return _given(
        # As upstream: every container begins on a network of its mode, and leaves it for those that it names.
        NetworkMode=inputs.get("networkMode", "bridge"),
        ExtraHosts=[f"{each['host']}:{each['ip']}" for each in inputs.get("hosts", [])],
        Mounts=[_mount(each) for each in inputs.get("mounts", [])],
        PortBindings={_port(each): [_binding(each)] for each in inputs.get("ports", [])},
        Init=inputs.get("init"),
        NanoCpus=round(float(inputs["cpus"]) * SECOND) if "cpus" in inputs else None,
        LogConfig=_given(Type=inputs.get("logDriver", ""), Config=inputs.get("logOpts", {})),
        ReadonlyRootfs=inputs.get("readOnly"),
        Tmpfs=inputs.get("tmpfs"),
        SecurityOpt=inputs.get("securityOpts"),
        CapAdd=capabilities.get("adds"),
        CapDrop=capabilities.get("drops"),
        **limits(inputs),
    )


def _pool(given: Inputs) -> Mapping[str, str]:
    return _given(Subnet=given.get("subnet"), Gateway=given.get("gateway"), IPRange=given.get("ipRange"))


def _mount(given: Inputs) -> Mapping[str, Any]:
    return _given(Type=given["type"], Source=given.get("source"), Target=given["target"], ReadOnly=given.get("readOnly", False))


def _port(given: Inputs) -> str:
    return f"{_whole(given['internal'])}/{given.get('protocol', 'tcp')}"


def _binding(given: Inputs) -> Mapping[str, str]:
    external = _whole(given.get("external"))
    return {"HostIp": given.get("ip", "0.0.0.0"), "HostPort": "" if external is None else str(external)}


def _healthcheck(given: Inputs | None) -> Mapping[str, Any] | None:
    if given is None:
        return None
    return _given(
        Test=given["tests"],
        Interval=_nanoseconds(given.get("interval", "0s")),
        Timeout=_nanoseconds(given.get("timeout", "0s")),
        StartPeriod=_nanoseconds(given.get("startPeriod", "0s")),
        Retries=_whole(given.get("retries", 0)),
    )


def _nanoseconds(text: str) -> int:
    return round(sum(float(number) * UNITS[unit] for number, unit in re.findall(r"([\d.]+)(ns|us|ms|s|m|h)", text)))


def _megabytes(given: float | None) -> int | None:
    whole = _whole(given)
    return whole if whole is None or whole < 0 else whole * MB


def _whole(given: float | None) -> int | None:
    return None if given is None else int(given)


def _given(**fields: Any) -> Mapping[str, Any]:
    """The fields that are not None."""
    return {key: value for key, value in fields.items() if value is not None}
