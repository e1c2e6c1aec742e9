"""Which errors are one issue."""
