"""A page that shows a version."""

import streamlit as st

st.caption("version py312-0123456789ab")
