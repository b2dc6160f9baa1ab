"""The programs of a cluster of the tests' own, which the toolchain makes from published modules. None is taken from PATH."""

import subprocess
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
BUILD_LIMIT = 5400.0
"""Seconds that they may take to be built, once."""


@cache
def binaries() -> Path:
    """Their folder, which has the kinds of the Gateway API too, in ``crds``.

    Raises:
        RuntimeError: they cannot be made here; says why.
    """
    done = subprocess.run(
        ["sh", str(ROOT / "toolchain" / "kubernetes.sh")],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=None,  # a build that takes minutes says so at once
        text=True,
        timeout=BUILD_LIMIT,
        check=False,
    )
    if done.returncode != 0:
        raise RuntimeError("the programs of Kubernetes cannot be made here: sh toolchain/kubernetes.sh says why")
    return Path(done.stdout.strip())
