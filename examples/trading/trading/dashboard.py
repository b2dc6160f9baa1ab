"""The dashboard's process: Streamlit with the options it needs behind a proxy.

Start it with `python -m trading.dashboard`. What the page shows belongs to `page`.
"""

import sys
from pathlib import Path

from streamlit.web import cli

from trading import launch
from trading.identity import Identity


def options(who: Identity) -> list[str]:
    """The words after `streamlit`."""
    page = str(Path(__file__).with_name("page.py"))
    settings = {
        "server.headless": "true",
        "server.address": who.host,
        "server.port": str(who.port),
        "server.fileWatcherType": "none",
        "browser.gatherUsageStats": "false",
        # The proxy in front answers on another port, so the origin never matches ours. The page
        # takes no upload and changes nothing, so there is no request to forge.
        "server.enableCORS": "false",
        "server.enableXsrfProtection": "false",
        "global.developmentMode": "false",
    }
    return ["run", page, *(f"--{name}={value}" for name, value in settings.items())]


def main() -> None:
    """Serve the page in this process, so that the faults armed at launch are its own."""
    begun = launch.begin("dashboard", port=8501)
    sys.argv = ["streamlit", *options(begun.identity)]
    cli.main()


if __name__ == "__main__":
    main()
