"""``python -m smoke.traffic``: sends from this process, and prints what became of it as one JSON document."""

import argparse
import asyncio
import gc
import json
import resource
import signal
import socket
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from smoke.errors import Exit, UsageError
from smoke.traffic.generator import Generator
from smoke.traffic.load import Load, Target
from smoke.traffic.summary import Summary

_MARGIN = 5.0
"""Seconds after the last possible answer at which the operating system ends the process, whatever it does."""


def main(arguments: Sequence[str]) -> int:
    """Run; returns the exit code."""
    options = _parser().parse_args(arguments)
    try:
        return _held() if options.held else _sent(_load(options), None)
    except UsageError as error:
        sys.stderr.write(f"{error}\n")
        return int(error.exit)
    except OSError as error:
        sys.stderr.write(f"error: {error}\n")
        return int(Exit.DEPLOYMENT)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m smoke.traffic", description="Open-loop HTTP load on this machine itself.")
    parser.add_argument("--url", help="where to, for example http://127.0.0.1:8080/prices")
    parser.add_argument("--rate", type=float, help="requests a second")
    parser.add_argument("--seconds", type=float, help="how long")
    parser.add_argument("--record", type=Path, metavar="FILE", help="gets one line a request: a JSON list")
    parser.add_argument("--timeout", type=float, default=10.0, help="seconds that a request has for its answer (default: 10)")
    parser.add_argument("--held", action="store_true", help=argparse.SUPPRESS)
    return parser


def _load(options: argparse.Namespace) -> Load:
    """What a person asks for.

    Raises:
        UsageError: something is missing or wrong, or the host is not this machine.
    """
    missing = [f"--{name}" for name in ("url", "rate", "seconds") if getattr(options, name) is None]
    if missing:
        raise UsageError(f"{', '.join(missing)} is missing", hint="--url http://127.0.0.1:8080/ --rate 100 --seconds 10")
    target = Target(options.url, options.rate)
    if not target.loopback:
        raise UsageError(f"{target.host} is not this machine", hint="load goes to 127.0.0.1, [::1] or localhost only")
    load = Load({options.url: target}, options.seconds, options.record, options.timeout)
    if load.record is not None:
        load.record.write_bytes(b"")
    return load


def _held() -> int:
    """Send what the other end of standard input, a socket, says in one line; end at once when that end is gone."""
    channel = socket.socket(fileno=sys.stdin.fileno())
    with channel.makefile("rb") as lines:
        line = lines.readline()
    if not line.endswith(b"\n"):
        return int(Exit.USAGE)
    channel.setblocking(False)  # noqa: FBT003 - the library's signature
    return _sent(Load.from_line(line), channel)


def _sent(load: Load, channel: socket.socket | None) -> int:
    signal.setitimer(signal.ITIMER_REAL, load.limit + load.timeout + _MARGIN)
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    gc.freeze()
    began = time.monotonic()
    summaries = asyncio.run(_generated(load, channel))
    sys.stdout.write(json.dumps(_document(summaries, time.monotonic() - began), indent=1) + "\n")
    return int(Exit.WANTED)


async def _generated(load: Load, channel: socket.socket | None) -> Mapping[str, Summary]:
    generator, loop = Generator(load), asyncio.get_running_loop()
    for each in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(each, generator.stop)
    if channel is None:
        return await generator.run()

    def heard() -> None:
        loop.remove_reader(channel)
        generator.give_up()

    loop.add_reader(channel, heard)  # nothing more is ever said: it can only be the end
    return await generator.run(lambda: channel.send(b"\n"))


def _document(summaries: Mapping[str, Summary], seconds: float) -> Mapping[str, Any]:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return {
        "format": 1,
        "seconds": round(seconds, 3),
        "cpu_seconds": round(used.ru_utime + used.ru_stime, 3),
        "targets": {name: each.to_json() for name, each in summaries.items()},
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
