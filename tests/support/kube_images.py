"""Images for a node without a registry, and the way of a node to a registry on this machine's loopback."""

import hashlib
import io
import json
import socket
import socketserver
import tarfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

PAUSE, ECHO = "localhost/pause:1", "localhost/echo:1"
"""The image that holds the namespaces of pods, and that of a service: toolchain/kubernetes/images/echo says what it can do."""


def archive(file: Path, name: str, files: Mapping[str, Path], command: Sequence[str]) -> Path:
    """Write an archive as ``docker save`` has it: an image of these programs and nothing else. Its name must have a tag."""
    layer = io.BytesIO()
    with tarfile.open(fileobj=layer, mode="w") as packed:
        for path, source in files.items():
            _add(packed, path.lstrip("/"), source.read_bytes(), mode=0o755)
    content = layer.getvalue()
    digest = hashlib.sha256(content).hexdigest()
    settings = {
        "architecture": "amd64",
        "os": "linux",
        "config": {"Entrypoint": [*command]},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest}"]},
    }
    described = json.dumps(settings).encode()
    named = hashlib.sha256(described).hexdigest()
    listed = [{"Config": f"{named}.json", "RepoTags": [name], "Layers": [f"{digest}.tar"]}]
    with tarfile.open(file, "w") as packed:
        _add(packed, f"{named}.json", described)
        _add(packed, f"{digest}.tar", content)
        _add(packed, "manifest.json", json.dumps(listed).encode())
    return file


@contextmanager
def relay(here: str, port: int) -> Iterator[str]:
    """Within the context whoever connects to ``here`` on this port is served by this machine's loopback on the same port."""
    with _Relay((here, port), _Connection) as listening:
        threading.Thread(target=listening.serve_forever, daemon=True).start()
        try:
            yield f"{here}:{port}"
        finally:
            listening.shutdown()


class _Relay(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True  # a connection that is kept for later use is not waited for


class _Connection(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.server.server_address[1])) as serving:
            back = threading.Thread(target=_copy, args=(serving, self.request), daemon=True)
            back.start()
            _copy(self.request, serving)
            back.join()


def _copy(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while got := source.recv(1 << 16):
            target.sendall(got)
        target.shutdown(socket.SHUT_WR)


def _add(packed: tarfile.TarFile, name: str, content: bytes, *, mode: int = 0o644) -> None:
    told = tarfile.TarInfo(name)
    told.size, told.mode = len(content), mode
    packed.addfile(told, io.BytesIO(content))
