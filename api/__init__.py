"""The door: what the internet may reach."""
