"""Counts per slot from the data plane: one file a backend, and the one table that knows them."""
