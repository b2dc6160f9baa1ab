"""How a web service is served: the one place that knows uvicorn."""

import uvicorn

from trading.edge import App
from trading.identity import Identity

# Longer than any proxy keeps an idle connection, so that the proxy closes first and
# never sends a request into a connection that is just being closed.
KEEP_ALIVE_SECONDS = 75
GRACE_SECONDS = 10


def serve(app: App, identity: Identity) -> None:
    """Serve until SIGTERM, then finish the requests in flight."""
    uvicorn.run(
        app,
        host=identity.host,
        port=identity.port,
        loop="uvloop",
        http="httptools",
        ws="websockets-sansio",  # the other one needs parts of `websockets` that new releases drop
        access_log=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
