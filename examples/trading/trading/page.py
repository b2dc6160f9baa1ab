"""The dashboard's page: a Streamlit script, run anew for every session and every change.

It reads the api and changes nothing. How it is served belongs to `dashboard`.
"""

import os
from typing import Any, Optional

import httpx
import streamlit as st

from trading import launch

TIMEOUT_SECONDS = 2.0
REFRESH_SECONDS = 2.0
ORDERS_SHOWN = 20
# Asks for the api of the same slot; the proxy in front sends it there for as long as that has traffic.
PAIR = {"x-crossfade-slot": os.environ["CROSSFADE_SLOT"]} if "CROSSFADE_SLOT" in os.environ else {}


def read(api: str, path: str) -> Optional[Any]:  # noqa: ANN401  JSON
    """What the api answers; None when it does not answer well."""
    try:
        answer = httpx.get(f"{api.rstrip('/')}{path}", headers=PAIR, timeout=TIMEOUT_SECONDS, trust_env=False)
        return answer.raise_for_status().json()
    except (httpx.HTTPError, ValueError):
        return None


def draw(api: str) -> None:
    """Draw prices and orders, or one sentence that says why not."""
    pricing, orders = read(api, "/prices"), read(api, f"/orders?limit={ORDERS_SHOWN}")
    if pricing is None or orders is None:
        st.warning(f"API not reachable at {api}. The page tries again every {REFRESH_SECONDS:g} seconds.")
        return
    st.caption(f"api version {pricing['version']}, feed {pricing['feed']}")
    for column, (symbol, price) in zip(st.columns(len(pricing["prices"])), pricing["prices"].items()):  # noqa: B905  3.9 has no strict
        column.metric(symbol, f"{price:,.2f}")
    st.subheader("Orders")
    if orders:
        st.dataframe(orders)
    else:
        st.write("No orders yet.")


def page() -> None:
    """The whole page."""
    begun = launch.read("dashboard", port=8501)
    st.set_page_config(page_title="Trading")
    st.title("Trading")
    st.caption(f"version {begun.identity.version}")
    if begun.faults.script_crash:
        crash_on_order()  # type: ignore[name-defined]  # noqa: F821  the fault is a name that does not exist
    st.fragment(draw, run_every=REFRESH_SECONDS)(begun.identity.api)


page()
