"""`make demo`: the embedded run, filled with three months of claims and ideas before it starts."""
