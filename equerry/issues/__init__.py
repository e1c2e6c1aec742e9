"""The index of events by fingerprint, and the counters beside it."""
