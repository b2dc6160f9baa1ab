"""A freeze of two seconds, seen by tools that send the next request when the last was answered, and by one that does not.

``python bench/loops.py``, a table. A server that answers in 2 ms stops for two seconds in the middle of twenty. Of requests that
users send at their own times a tenth fall into that, and 95 % are answered within a second, not sooner. A closed loop sends
nothing while it waits: it has eight slow answers among thousands. Debian's ``wrk``, ``apache2-utils`` (ab) and ``hey`` are asked
where they are on PATH. Everything is on loopback, and ends by itself.
"""

import argparse
import asyncio
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from shutil import which as program
from statistics import median
from tempfile import TemporaryDirectory

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from smoke.traffic import Target, entries, traffic

ANSWER = b"HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok"
TAKES = 0.002
CONNECTIONS = 8
WITHIN = 100.0
"""Milliseconds that 95 % of the requests may take."""
LUA = """
done = function(summary, took)
    local said = {took:percentile(95) / 1000, took:percentile(99) / 1000, took.max / 1000, summary.requests}
    io.write("said " .. table.concat(said, " ") .. "\\n")
end
"""
COLUMNS = ("", "p95 ms", "p99 ms", "longest ms", "requests", "95 % within 100 ms?", "without a freeze")


@dataclass(frozen=True, slots=True)
class Said:
    """What a tool says of a run: milliseconds, and how many requests."""

    p95: float
    p99: float
    most: float
    count: int


def main() -> None:
    """Run each of them with a freeze and without one, and print what they say."""
    words = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    words.add_argument("--seconds", type=float, default=20.0)
    words.add_argument("--freeze", type=float, default=2.0)
    words.add_argument("--rate", type=float, default=200.0)
    words.add_argument("--repeats", type=int, default=3)
    words.add_argument("--serve", nargs=2, type=float, help=argparse.SUPPRESS)
    asked = words.parse_args()
    if asked.serve:
        asyncio.run(_serve(*asked.serve))
        return
    tools = {name: tool for name, tool in TOOLS.items() if name == OURS or program(name)}
    truth = 1000 * (asked.freeze - 0.05 * asked.seconds)
    print(f"Of requests at their own times 95 % are answered within {truth:.0f} ms; without a freeze {1000 * TAKES:g}.\n")
    print(_line(COLUMNS), _line(["---"] * len(COLUMNS)), sep="\n")
    for name, tool in tools.items():
        frozen = [_asked(tool, asked, asked.freeze) for _ in range(asked.repeats)]
        calm = _asked(tool, asked, 0.0)
        numbers = [f"{median(getattr(each, which) for each in frozen):.0f}" for which in ("p95", "p99", "most", "count")]
        verdicts = ["yes" if each <= WITHIN else "**no**" for each in (float(numbers[0]), calm.p95)]
        print(_line([name, *numbers, *verdicts]), flush=True)


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


async def _serve(after: float, freeze: float) -> None:
    """Serve until standard input ends; stop once for ``freeze`` seconds, so long after the first request."""
    frozen = False

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal frozen
        while await reader.readuntil(b"\r\n\r\n"):
            if not frozen:
                frozen = True
                asyncio.get_running_loop().call_later(after, time.sleep, freeze)
            await asyncio.sleep(TAKES)
            writer.write(ANSWER)

    async def quiet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await answer(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    server = await asyncio.start_server(quiet, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.to_thread(sys.stdin.read)


@contextmanager
def _server(after: float, freeze: float) -> Iterator[str]:
    """The address of one that is asked by nobody else."""
    words = [sys.executable, __file__, "--serve", str(after), str(freeze)]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as server:
        assert server.stdout is not None
        yield f"http://127.0.0.1:{int(server.stdout.readline())}/"
        server.kill()


def _asked(tool: Callable[[str, argparse.Namespace], Said], asked: argparse.Namespace, freeze: float) -> Said:
    with _server(asked.seconds / 2, freeze) as url:
        return tool(url, asked)


def _ours(url: str, asked: argparse.Namespace) -> Said:
    """The generator of ``crossfade gate load``: requests are due at fixed times, and timed from then."""
    with TemporaryDirectory() as folder:
        record = Path(folder) / "requests"
        with traffic({"it": Target(url, asked.rate)}, limit=asked.seconds + 60, record=record) as load:
            time.sleep(asked.seconds)
        found = load.summary()["it"]
        took = sorted(each.latency_ms for each in entries(record))
    return Said(found.latency_p95_ms or 0.0, found.latency_p99_ms or 0.0, took[-1], len(took))


def _wrk(url: str, asked: argparse.Namespace) -> Said:
    with TemporaryDirectory() as folder:
        script = Path(folder) / "said.lua"
        script.write_text(LUA, encoding="utf-8")
        words = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{asked.seconds:g}s", "--timeout", "10s", "-s", str(script), url]
        p95, p99, most, count = re.findall(r"^said (\S+) (\S+) (\S+) (\d+)$", _ran(words, asked), re.MULTILINE)[0]
    return Said(float(p95), float(p99), float(most), int(count))


def _ab(url: str, asked: argparse.Namespace) -> Said:
    text = _ran(["ab", "-q", "-k", "-r", "-t", f"{asked.seconds:g}", "-n", "10000000", "-c", str(CONNECTIONS), url], asked)
    found = {int(share): float(ms) for share, ms in re.findall(r"^ +(\d+)% +(\d+)", text, re.MULTILINE)}
    return Said(found[95], found[99], found[100], int(re.findall(r"Complete requests: +(\d+)", text)[0]))


def _hey(url: str, asked: argparse.Namespace) -> Said:
    """As many requests a second as ours, by workers that wait for their answers."""
    each = asked.rate / CONNECTIONS
    text = _ran(["hey", "-z", f"{asked.seconds:g}s", "-c", str(CONNECTIONS), "-q", f"{each:g}", url], asked)
    found = {int(share): 1000 * float(seconds) for share, seconds in re.findall(r"(\d+)%+ in (\S+) secs", text)}
    most = 1000 * float(re.findall(r"Slowest:\s+(\S+) secs", text)[0])
    return Said(found[95], found[99], most, sum(map(int, re.findall(r"\[200\]\s+(\d+) responses", text))))


def _ran(words: Sequence[str], asked: argparse.Namespace) -> str:
    done = subprocess.run(words, capture_output=True, text=True, timeout=asked.seconds + 60, check=True)
    return done.stdout


OURS = "crossfade gate load"
TOOLS: Mapping[str, Callable[[str, argparse.Namespace], Said]] = {OURS: _ours, "wrk": _wrk, "ab": _ab, "hey": _hey}

if __name__ == "__main__":
    main()
