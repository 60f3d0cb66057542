"""Measurements, one command each. Nothing here is imported by the product or by its tests."""
