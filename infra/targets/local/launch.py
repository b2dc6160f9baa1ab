"""Starts a supervised program as its JSON file says. Standard library only, in the syntax of 3.9: slots run it.

A supervisor's own settings cannot carry every environment (a value with a quote or a line break); JSON can.
"""

import json
import os
import signal
import sys

PASSED_ON = ("HOME", "LANG", "LC_ALL", "LOGNAME", "TMPDIR", "TZ", "USER")
"""Variables that a program sees as the supervisor was started with them; everything else would tie a stack to the shell that
it was begun in. They are no part of what describes a program: a shell that differs must restart nothing."""


def main() -> None:
    """Become the program."""
    with open(sys.argv[1], "rb") as file:  # noqa: PTH123  runs without anything else
        words = json.loads(file.read().decode("utf-8"))
    environment = {name.encode(): os.environb[name.encode()] for name in PASSED_ON if name in os.environ}
    environment.update({_bytes(name): _bytes(value) for name, value in words["environment"].items()})
    argv = [_bytes(word) for word in words["argv"]]
    for ignored in (signal.SIGPIPE, signal.SIGXFSZ):  # by this interpreter, and so by what it becomes
        signal.signal(ignored, signal.SIG_DFL)
    try:
        os.chdir(words["folder"])
        os.execve(argv[0], argv, environment)  # noqa: S606
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        sys.exit(f"crossfade: {words['argv'][0]} cannot be started in {words['folder']}: {why}")


def _bytes(text: str) -> bytes:
    # Whatever the locale is: what was given is what arrives.
    return text.encode("utf-8", "surrogateescape")


if __name__ == "__main__":
    main()
