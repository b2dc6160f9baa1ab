"""Splits live traffic: one file a backend, and the one table that knows them."""
