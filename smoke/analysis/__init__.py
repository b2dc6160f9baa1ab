"""Turns what was seen into findings: pure functions of values, no clock and no input or output."""
