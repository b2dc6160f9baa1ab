"""The kinds of place a stack can live on, one file or folder each, and the one table that knows them."""
