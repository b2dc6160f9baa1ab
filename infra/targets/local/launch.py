"""Starts a supervised program as its JSON file says. Standard library only, in the syntax of 3.9: slots run it.

A supervisor's own settings cannot carry every environment (a value with a quote or a line break); JSON can.
"""

import json
import os
import sys


def main() -> None:
    """Become the program."""
    with open(sys.argv[1], encoding="utf-8") as file:  # noqa: PTH123  runs without anything else
        words = json.load(file)
    os.chdir(words["folder"])
    os.execve(words["argv"][0], words["argv"], words["environment"])  # noqa: S606


if __name__ == "__main__":
    main()
