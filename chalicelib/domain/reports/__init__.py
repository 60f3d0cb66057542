"""Digests and exports: figures and tables that name nobody."""
