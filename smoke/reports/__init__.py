"""What people and machines are given of a rollout once it is over: folds of its events, and nothing that is not in them.

Here belong the report of a rollout and the incident report of one that went back, in each of their forms. What must not be
here: a decision, and anything that reads the world.
"""
