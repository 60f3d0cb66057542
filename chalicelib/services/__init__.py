"""Use cases. What they need from outside comes in as arguments (ports.py)."""
