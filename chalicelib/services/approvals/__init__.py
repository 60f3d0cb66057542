"""Asking, deciding, changes, deadlines, handing on, and ends that nobody decided."""
