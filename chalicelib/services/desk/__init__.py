"""What staff see: lists, search, what is late, and what they note."""
