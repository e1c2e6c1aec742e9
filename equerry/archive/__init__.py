"""The truth: JSON Lines segments, appended, closed, compressed, read."""
