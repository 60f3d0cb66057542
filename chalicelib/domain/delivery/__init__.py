"""What the outbox holds until it is done, and every mail that we send."""
