"""A service that is not what it should be: ``python faulty_service.py MODE LIVE_PORT``, in a slot's place. For 3.9 as well."""

import http.server
import os
import socketserver
import sys
import time
import urllib.request

MODE, LIVE = sys.argv[1], int(sys.argv[2])


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers as the mode says."""

    def do_GET(self) -> None:
        """Answer one request."""
        if MODE == "hang":
            time.sleep(600)
        elif MODE == "mirror":
            self._mirror()
        else:
            self._redirect(self.path if MODE == "loop" else f"http://127.0.0.1:{LIVE}{self.path}")

    def _redirect(self, where: str) -> None:
        self.send_response(307)
        self.send_header("location", where)
        self.send_header("content-length", "0")
        self.end_headers()

    def _mirror(self) -> None:
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(f"http://127.0.0.1:{LIVE}{self.path}", timeout=5) as answer:
            body, version = answer.read(), answer.headers["x-crossfade-version"]
        self.send_response(200)
        self.send_header("x-crossfade-version", version)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *words: object) -> None:
        """Say nothing."""


class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    """One thread a request: one that hangs keeps nobody else waiting."""

    daemon_threads = True


if __name__ == "__main__":
    Server((os.environ["HOST"], int(os.environ["PORT"])), Handler).serve_forever()
