"""A process that starts traffic and then does nothing: ``parent.py URL``. Says the id of the process that sends."""

import sys
import threading

from smoke.traffic import Target, traffic

if __name__ == "__main__":
    with traffic({"it": Target(sys.argv[1], 50.0)}, limit=60.0) as running:
        sys.stdout.write(f"{running.pid}\n")
        sys.stdout.flush()
        threading.Event().wait()
