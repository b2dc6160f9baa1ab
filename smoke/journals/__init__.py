"""What remembers a rollout: one file a backend, and the one table that knows them."""
