"""Hand-over of singletons: one file a backend, and the one table that knows them."""
