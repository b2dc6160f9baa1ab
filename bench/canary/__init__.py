"""The benchmark of the decision engine against its peers, and the published mathematics that both stand on.

Here belong the peers' rules, the streams they are run on, and the tables that come out. Each peer is written from its own
published source, and tests hold it to that source's printed numbers. What must not be here: anything that the product imports.
"""
