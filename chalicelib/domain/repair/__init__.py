"""What the reconciler looks for and what it found."""
