"""The image of a Job that drives, for a node: this project and what it needs, as ``deploy/driver.Dockerfile`` would have it."""

import sys
import tarfile
from pathlib import Path

from kube_trading import FILES, ROOT, archived, packed_python, ran, text, tree

from infra.targets.local.machine import interpreter

NAME = "localhost/crossfade:driver"
_RUNTIME = "py312"


def image(folder: Path) -> Path:
    """Write an archive with the image, as ``docker save`` has it."""
    python, layer, packages = interpreter(_RUNTIME), folder / "driver-layer.tar", folder / "driver-packages"
    assert python is not None, _RUNTIME
    uv, lock = str(Path(sys.prefix) / "bin" / "uv"), folder / "driver.txt"
    lock.write_text(
        ran(uv, "export", "--quiet", "--frozen", "--no-dev", "--extra", "kubernetes", "--no-emit-project", "--project", str(ROOT))
    )
    ran(
        uv,
        "pip",
        "install",
        "--quiet",
        "--require-hashes",
        "--compile-bytecode",
        "--python",
        str(python),
        "--target",
        str(packages),
        "-r",
        str(lock),
    )
    with tarfile.open(layer, "w") as packed:
        packed_python(packed, python, "python3.12", packages)
        tree(packed, packages, "usr/local/lib/python3.12/site-packages", ())
        for each in ("infra", "smoke"):
            tree(packed, ROOT / each, f"usr/local/lib/python3.12/site-packages/{each}", ("__pycache__",))
        for path, content in FILES.items():
            text(packed, path, content)
    return archived(folder / "driver.tar", NAME, layer)
