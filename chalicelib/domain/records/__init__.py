"""A submission, its timeline, and what shows that neither was rewritten."""
