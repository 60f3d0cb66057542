"""Published ideas and the map."""
