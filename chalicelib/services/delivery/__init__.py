"""The outbox, the mails in it, and what could not be delivered."""
