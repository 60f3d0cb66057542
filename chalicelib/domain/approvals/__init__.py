"""Who decides, by when, what their answer changes, and changes that they ask for."""
