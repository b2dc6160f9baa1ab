"""Questions put to one placement, past the router: one file a backend, and the one table that knows them."""
