"""Taking submissions in, and proving the mailbox that they name."""
