"""The event path: drain a batch, run the stages, commit it once."""
