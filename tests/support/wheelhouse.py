"""An index of packages on loopback, which uv asks instead of any other."""

import hashlib
import threading
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest


class Quiet(SimpleHTTPRequestHandler):
    """Says nothing of what it serves."""

    def log_message(self, *_: object) -> None:
        """Nothing."""


@contextmanager
def served(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Its folder, for ``offer``, while uv asks it and nobody else."""
    place = folder / "index"
    place.mkdir()
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(place)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    monkeypatch.setenv("UV_DEFAULT_INDEX", f"http://127.0.0.1:{server.server_address[1]}")
    monkeypatch.setenv("UV_CACHE_DIR", str(folder / "cache"))
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    yield place
    server.shutdown()
    server.server_close()
    thread.join()


def offer(index: Path, name: str, tag: str | None, version: str = "1.0", wants: Sequence[str] = ()) -> None:
    """A version of a package, as a wheel of that tag, or as a source alone, with what it wants itself."""
    folder = index / name
    folder.mkdir(exist_ok=True)
    file = folder / (f"{name}-{version}-{tag}.whl" if tag else f"{name}-{version}.tar.gz")
    needs = "".join(f"Requires-Dist: {each}\n" for each in wants)
    with zipfile.ZipFile(file, "w") as archive:
        metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{needs}"
        archive.writestr(f"{name}-{version}.dist-info/METADATA", metadata)
        archive.writestr(f"{name}-{version}.dist-info/WHEEL", f"Wheel-Version: 1.0\nTag: {tag}\n")
        archive.writestr(f"{name}-{version}.dist-info/RECORD", "")
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    with (folder / "index.html").open("a", encoding="utf-8") as page:
        page.write(f'<a href="{file.name}#sha256={digest}">{file.name}</a>\n')
