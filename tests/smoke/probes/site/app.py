"""The first page of a small site: it does what its address asks for. Runs on 3.9 too."""

import threading

import streamlit as st


def begins_anew() -> None:
    """Ends the run and asks for another, once in a session."""
    if "begun" not in st.session_state:
        st.session_state.begun = True
        st.rerun()


ACTS = {
    "": lambda: None,
    "warns": lambda: st.exception(UserWarning("only a warning")),
    "raises": lambda: {}["missing"],
    "shows": lambda: st.exception(ValueError("shown on purpose")),
    "stops": st.stop,
    "anew": begins_anew,
    "endless": threading.Event().wait,
}
st.title("No version here")
ACTS[st.query_params.get("act", "")]()
st.write("the end")
