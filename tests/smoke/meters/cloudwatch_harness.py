"""Counts of a load balancer: at a service of the tests' own that answers as CloudWatch does, and at one that is pretended."""

import json
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from infra.contract import Json
from smoke.aws import Reach, client
from smoke.clock import FakeClock
from smoke.meters.cloudwatch import CloudWatch
from tests.smoke.journals.s3_server import served
from tests.smoke.routers.alb_actions import TARGETS
from tests.smoke.routers.alb_harness import REGION, signed_in

BALANCER = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:loadbalancer/app/shop/50dc6c495c0c9188"
LAG = 120.0
ALL, BAD, REFUSED = "RequestCount", "HTTPCode_Target_5XX_Count", "TargetConnectionErrorCount"
DAY = 24 * 3600.0


def settings(endpoint: str, **others: Json) -> dict[str, Json]:
    """Of a meter there."""
    return {"load_balancer": BALANCER, "slots": TARGETS, "endpoint": endpoint, "timeout": 20.0, **others}


def past() -> FakeClock:
    """A clock that stands at the beginning of a minute of yesterday: no minute of it is still to come."""
    return FakeClock((time.time() - DAY) // 60 * 60)


class Watched:
    """A load balancer, as long as nobody else has this one's name."""

    def __init__(self, cloudwatch: Any, endpoint: str, name: str) -> None:  # noqa: ANN401 - boto3's own
        self._cloudwatch = cloudwatch
        self.name = f"app/{name}/50dc6c495c0c9188"
        self.clock = past()
        self.settings = settings(endpoint, load_balancer=BALANCER.replace("app/shop/50dc6c495c0c9188", self.name))

    def meter(self, **others: Json) -> CloudWatch:
        """The meter; the time of this one passes for it."""
        return CloudWatch({**self.settings, **others}, self.clock)

    def put(self, slot: str, metric: str, value: float = 1.0, *, ago: float = 0.0, of: str | None = None) -> None:
        """Count so many at the time it is, or so many seconds before."""
        dimensions = {"LoadBalancer": of or self.name, "TargetGroup": TARGETS[slot].rpartition(":")[2]}
        point = {
            "MetricName": metric,
            "Dimensions": [{"Name": name, "Value": each} for name, each in dimensions.items()],
            "Timestamp": datetime.fromtimestamp(self.clock.wall() - ago, UTC),
            "Value": value,
        }
        self._cloudwatch.put_metric_data(Namespace="AWS/ApplicationELB", MetricData=[point])

    def served(self, *metrics: str) -> None:
        """One request to blue, and the time until it counts."""
        for each in metrics:
            self.put("blue", each)
        self.clock.sleep(LAG + 60)


@dataclass
class Place:
    """Where counts are."""

    endpoint: str
    cloudwatch: Any
    made: int = 0

    def watched(self) -> Watched:
        """Another load balancer."""
        self.made += 1
        return Watched(self.cloudwatch, self.endpoint, f"shop{self.made}")


@contextmanager
def opened() -> Iterator[Place]:
    """A service that answers as CloudWatch does."""
    with signed_in(), served() as (endpoint, _):
        yield Place(endpoint, client("cloudwatch", Reach(REGION, endpoint), 20.0))


def told(values: Mapping[str, list[float]], status: str = "Complete", **more: Json) -> Json:
    """An answer with these values by name; the others have none."""
    names = [f"m{number}" for number in range(6)]
    results = [{"Id": name, "Timestamps": [], "Values": values.get(name, []), "StatusCode": status} for name in names]
    return {"MetricDataResults": results, **more}


@dataclass
class Pretended:
    """Says whatever a test wants; once that is used up, that there was nothing."""

    answers: deque[tuple[int, Json]] = field(default_factory=deque)
    asked: int = 0
    date: Callable[[], float] = time.time

    def __post_init__(self) -> None:
        pretended = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                self.rfile.read(int(self.headers.get("content-length", 0)))
                pretended.asked += 1
                status, document = pretended.answers.popleft() if pretended.answers else (200, told({}))
                body = json.dumps(document).encode()
                self.send_response_only(status)
                usual = {"content-type": "application/x-amz-json-1.0", "content-length": str(len(body))}
                for name, value in {"date": formatdate(pretended.date(), usegmt=True), **usual}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.endpoint = f"http://127.0.0.1:{self._server.server_address[1]}"

    def refuse(self, status: int, code: str, times: int = 1) -> None:
        """What the next ones get."""
        self.answers.extend([(status, {"__type": f"com.amazonaws#{code}", "message": "so it is said"})] * times)

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
