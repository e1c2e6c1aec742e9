"""The processes that are measured: Equerry's own drain, and what it is held against."""
