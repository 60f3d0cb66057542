"""Finding a submission, showing where it stands, and verifying its timeline."""
