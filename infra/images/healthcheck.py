"""Whether the program of this container is well: exit code 0 or 1, with a line that says why. The image's ``HEALTHCHECK``.

It is run by the container's own Python: standard library alone, in the syntax of 3.9. It asks, in this order,

- ``PORT``, where it is set: ``CROSSFADE_HEALTH_PATH`` (``/`` by default) must be answered with a status below 400;
  where the path is empty, a connection will do;
- ``CROSSFADE_HEARTBEAT``, where it is set: the file must have been replaced in the last ``CROSSFADE_HEARTBEAT_AGE`` seconds (30).

A program that has neither is well while it runs.
"""

import http.client
import os
import socket
import sys
import time

LIMIT = 4.0
"""Seconds that an answer may take: less than the image gives this program."""


class Unwell(Exception):
    """The program is not well; the text says why."""


def check(environ: "os._Environ[str]") -> str:
    """What was seen of a program that is well.

    Raises:
        Unwell: it is not.
    """
    if environ.get("PORT"):
        return _answers(int(environ["PORT"]), environ.get("CROSSFADE_HEALTH_PATH", "/"))
    if environ.get("CROSSFADE_HEARTBEAT"):
        return _beats(environ["CROSSFADE_HEARTBEAT"], float(environ.get("CROSSFADE_HEARTBEAT_AGE") or 30))
    return "nothing to ask"


def _answers(port: int, path: str) -> str:
    if not path:
        with socket.create_connection(("127.0.0.1", port), LIMIT):
            return f"port {port} takes connections"
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=LIMIT)
    try:
        connection.request("GET", path, headers={"Connection": "close"})
        status = connection.getresponse().status
    finally:
        connection.close()
    if status >= http.client.BAD_REQUEST:
        raise Unwell(f"{path} answered status {status}")
    return f"{path} answered status {status}"


def _beats(file: str, most: float) -> str:
    age = time.time() - os.stat(file).st_mtime  # noqa: PTH116 - pathlib would be a slow import for one call
    if age > most:
        raise Unwell(f"the last beat is {age:.0f} s old, {most:g} s are allowed")
    return f"the last beat is {age:.0f} s old"


def main() -> int:
    """Check, and say what was seen."""
    try:
        sys.stdout.write(check(os.environ) + "\n")
    except (Unwell, OSError, ValueError, http.client.HTTPException) as error:
        sys.stdout.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
