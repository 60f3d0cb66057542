"""Questions on a page: from what was typed to an answer, and back."""
