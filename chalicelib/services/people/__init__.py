"""Signing in, sessions, tokens, days away, and people who leave."""
