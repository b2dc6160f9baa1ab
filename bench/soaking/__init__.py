"""The soak: a real stack under load for as long as it takes, while everything that may happen to a rollout happens to it.

Here belong the acts, the sessions that browsers have, and the account of what became of each request, session and order. What
must not be here: what makes a rollout well or not; that is the product's, and this only counts what users saw.
"""
