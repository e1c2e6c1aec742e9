"""What every process shares: one room per subject, and the words they have in common."""
