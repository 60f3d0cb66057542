"""Digests by mail, and exports."""
