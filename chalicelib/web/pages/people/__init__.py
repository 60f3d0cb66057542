"""Signing in, one's account, and people at the desk."""
