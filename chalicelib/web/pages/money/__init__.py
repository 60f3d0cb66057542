"""Payments, and what comes back."""
