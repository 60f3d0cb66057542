"""Requests and answers: routing, who may ask, errors, headers."""
