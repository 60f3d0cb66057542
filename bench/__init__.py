"""Measurements, one command each. Nothing here is imported by the product; tests count with it, and never measure."""
