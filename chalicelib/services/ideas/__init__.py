"""Published ideas, for everybody."""
