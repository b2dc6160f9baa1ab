"""Names of services for the pods of a node: what the DNS of a cluster answers, as far as programs of the tests ask it."""

import socketserver
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from ipaddress import IPv4Address

from kube_node import Node

_ADDRESS = 1
"""A question for an address of version 4; every other question has no answer, and is no error."""
_HEAD = 12
"""Bytes before the question."""


@contextmanager
def names(node: Node) -> Iterator[None]:
    """Within the context pods that are made have the names of services, ``NAME.NAMESPACE.svc``."""

    def address(name: str) -> str | None:
        service, namespace, *rest = [*name.removesuffix(".cluster.local").split("."), "", ""]
        if rest[:1] != ["svc"]:
            return None
        words = ("get", "service", service, "-n", namespace, "-o", "jsonpath={.spec.clusterIP}")
        return node.api.kubectl(*words, check=False).stdout or None

    with _Server((node.space.here, 53), address) as serving:
        threading.Thread(target=serving.serve_forever, daemon=True).start()
        # Read for each pod that is made.
        (node.folder / "resolv.conf").write_text(f"nameserver {node.space.here}\n", encoding="ascii")
        try:
            yield
        finally:
            (node.folder / "resolv.conf").write_text("", encoding="ascii")
            serving.shutdown()


class _Server(socketserver.ThreadingUDPServer):
    daemon_threads = True

    def __init__(self, where: tuple[str, int], address: Callable[[str], str | None]) -> None:
        super().__init__(where, _Question)
        self.address = address


class _Question(socketserver.BaseRequestHandler):
    server: _Server

    def handle(self) -> None:
        asked, reply = self.request
        labels, at = [], _HEAD
        while asked[at]:
            labels.append(asked[at + 1 : at + 1 + asked[at]].decode("ascii").lower())
            at += 1 + asked[at]
        kind, end = struct.unpack_from("!H", asked, at + 1)[0], at + 5
        found = self.server.address(".".join(labels))
        told = found is not None and kind == _ADDRESS
        # An answer, recursion wanted and had; 3: there is no such name.
        head = asked[:2] + struct.pack("!5H", 0x8180 | (0 if found else 3), 1, int(told), 0, 0)
        # The name of the question, a second to live.
        answer = struct.pack("!3HIH", 0xC00C, _ADDRESS, 1, 1, 4) + IPv4Address(found).packed if told and found else b""
        reply.sendto(head + asked[_HEAD:end] + answer, self.client_address)
