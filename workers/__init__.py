"""Celery: the event path, the alerts and the scheduled jobs."""
