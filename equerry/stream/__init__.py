"""The un-drained events: the door's script, the consumers, the spool."""
