"""The network of a test's own engine, made by hand: an engine that sets the packet filter itself resets what another one set."""

import ipaddress
import json
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from docker_daemons import BIN

NAME = "crossfade-test"
"""The bridge, and the comment that its rules carry."""
STACKS = ("10.200.0.0/13", "10.208.0.0/12", "10.224.0.0/12", "10.240.0.0/13", "10.248.0.0/15")
"""10.200 to 10.249: where stacks have their networks."""
CANDIDATES = tuple(f"172.{second}.254.0/24" for second in range(31, 17, -1))
_FORWARDING = Path("/proc/sys/net/ipv4/ip_forward")


@contextmanager
def bridge() -> Iterator[str]:
    """A bridge with a range that is free here, whose containers reach each other, this machine and what it reaches: its name."""
    remove()  # what a run left that was killed
    own = _free()
    forwarding = _FORWARDING.read_text(encoding="ascii")
    try:
        _run("ip", "link", "add", NAME, "type", "bridge")
        _run("ip", "address", "add", f"{own[1]}/{own.prefixlen}", "dev", NAME)
        _run("ip", "link", "set", NAME, "up")
        for each in _rules((str(own), *STACKS)):
            _run("iptables", "--wait", *each, "-m", "comment", "--comment", NAME)
        _FORWARDING.write_text("1", encoding="ascii")
        yield NAME
    finally:
        _FORWARDING.write_text(forwarding, encoding="ascii")
        remove()


def remove() -> None:
    """Take away the bridge and its rules, as far as they are there."""
    for table, rule in rules():
        _run("iptables", "--wait", "-t", table, "-D", *rule.split()[1:])
    if present():
        _run("ip", "link", "delete", NAME)


def present() -> bool:
    """Whether the bridge is there."""
    return Path("/sys/class/net", NAME).exists()


def rules() -> list[tuple[str, str]]:
    """The bridge's rules in the packet filter: the table, and the rule in the filter's own words."""
    return [
        (table, rule)
        for table in ("filter", "nat")
        for rule in _run("iptables", "--wait", "-t", table, "-S").splitlines()
        if f"--comment {NAME} " in f"{rule} "
    ]


def _rules(ranges: Sequence[str]) -> Iterator[list[str]]:
    out = json.loads(_run("ip", "-j", "-4", "route", "show", "default"))[0]["dev"]
    for each in ranges:
        yield ["-t", "filter", "-I", "FORWARD", "-s", each, "-j", "ACCEPT"]
        yield ["-t", "filter", "-I", "FORWARD", "-d", each, "-j", "ACCEPT"]
        yield ["-t", "nat", "-I", "POSTROUTING", "-s", each, "-o", out, "-j", "MASQUERADE"]


def _free() -> ipaddress.IPv4Network:
    routes = [each["dst"] for each in json.loads(_run("ip", "-j", "-4", "route", "show"))]
    taken = [ipaddress.IPv4Network(each) for each in routes if each != "default"]
    return next(own for own in map(ipaddress.IPv4Network, CANDIDATES) if not any(own.overlaps(each) for each in taken))


def _run(*words: str) -> str:
    done = subprocess.run(words, capture_output=True, text=True, timeout=30, check=False, env={"PATH": BIN})
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(words)}: {done.stderr.strip()}")
    return done.stdout
