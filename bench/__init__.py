"""`make bench`: what Equerry costs, measured side by side with the simplest thing that could do."""
