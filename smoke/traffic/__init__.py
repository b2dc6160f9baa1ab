"""Synthetic open-loop traffic through the front door."""
