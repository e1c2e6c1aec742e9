"""The operator's process: what only those who run Equerry may reach."""
