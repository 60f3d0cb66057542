"""Forms and reference data, shipped beside the code and read with importlib.resources."""
