"""Findings in, notifications out."""
