"""Source maps: kept per project, found by debug id or release, read to resolve frames."""
