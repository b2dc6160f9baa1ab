"""A load balancer of the tests' own: it sends each request on as a rule says, some seconds late, or never heeds what is written.

What answers as AWS does keeps rules and moves no request; this moves them. It knows one thing of browsers: the cookie of a rule
that keeps them on their target group, also on one without weight.
"""

import random
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from http.client import HTTPConnection
from http.cookies import SimpleCookie
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from smoke.model import Counts, Sample
from smoke.seams import Clock

COOKIE = "AWSALBTG"
Actions = list[dict[str, Any]]


class Balancer:
    """Serves at a loopback port of its own."""

    def __init__(self, rule: Callable[[], Actions], ports: Mapping[str, int], clock: Clock, delay: float = 0.0) -> None:
        """Nobody is served before the context.

        Args:
            rule: its actions as they are now.
            ports: of the upstream, by a target group's ARN.
            clock: by which it is late.
            delay: seconds from when a rule is first seen until it is in force.
        """
        self.delay = delay
        self.ignores = False
        """Whether it stays with the rule that it has."""
        self.counts: Counter[str] = Counter()
        """Requests so far, by target group."""
        self._rule, self._ports, self._clock = rule, ports, clock
        self._seen: list[tuple[float, Actions]] = [(float("-inf"), rule())]
        self._drawn = random.Random(7)  # noqa: S311 - seeded on purpose
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self.port: int = self._server.server_address[1]

    def read(self, slots: Mapping[str, str]) -> Sample:
        """What a meter would count, of these target groups by slot."""
        return Sample(self._clock.now(), {slot: Counts(self.counts[arn]) for slot, arn in slots.items()})

    def choose(self, cookie: str) -> tuple[str, bool]:
        """The target group for a request with that cookie, and whether its browser is to stay there."""
        with self._lock:
            config = next(each["ForwardConfig"] for each in self._in_force() if each["Type"] == "forward")
            weights = {each["TargetGroupArn"]: each["Weight"] for each in config["TargetGroups"]}
            sticky = config.get("TargetGroupStickinessConfig", {}).get("Enabled", False)
            known = SimpleCookie(cookie)
            stays = known[COOKIE].value if sticky and COOKIE in known else None
            arn = stays if stays in weights else self._drawn.choices(list(weights), list(weights.values()))[0]
            self.counts[arn] += 1
            return arn, sticky

    def _in_force(self) -> Actions:
        now, wanted = self._clock.now(), self._rule()
        if wanted != self._seen[-1][1] and not self.ignores:
            self._seen.append((now, wanted))
        return next(actions for since, actions in reversed(self._seen) if since + self.delay <= now)

    def asked(self, path: str, cookie: str) -> tuple[int, bytes, dict[str, str]]:
        """Status, body and headers of the answer to a GET."""
        arn, sticky = self.choose(cookie)
        connection = HTTPConnection("127.0.0.1", self._ports[arn], timeout=10)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            headers = {"set-cookie": f"{COOKIE}={arn}; Path=/"} if sticky else {}
            return answer.status, answer.read(), headers
        finally:
            connection.close()

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


def _handler(balancer: Balancer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            status, body, headers = balancer.asked(self.path, self.headers.get("cookie", ""))
            self.send_response(status)
            for name, value in {"content-length": str(len(body)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    return Handler
