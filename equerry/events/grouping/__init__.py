"""Which issue an error belongs to, and why. One module a version; older ones stay to be asked."""
