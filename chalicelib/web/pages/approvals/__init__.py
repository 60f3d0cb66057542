"""The pages of whoever is asked to decide, and of whoever changes what they sent."""
