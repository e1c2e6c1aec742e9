"""Source maps: kept per project, found by debug id or by release and URL, read to resolve frames."""
