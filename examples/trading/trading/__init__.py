"""A small trading system: an exchange, an api, a dashboard and one agent.

One noun a file, one process an entry point (`api`, `exchange`, `agent`, `dashboard`).
The same source runs on Python 3.9 and 3.12, so annotations say `Optional`, never `X | None`.
Nothing of the deployment toolkit belongs here: it and this system share only environment
variables, the heartbeat file and the fence folder.
"""
