"""Backups of the database: made, read back, listed, restored."""
