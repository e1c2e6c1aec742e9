"""One module per scheduled job, all of one shape."""
