"""Which ideas everybody may read, and when no longer."""
