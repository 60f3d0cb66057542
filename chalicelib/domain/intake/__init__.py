"""From what somebody sends to what is stored: reading it strictly, references, limits."""
