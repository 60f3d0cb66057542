"""What the reconciler found."""
