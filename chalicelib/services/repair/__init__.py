"""What compares the data with itself every hour, and mends what does not agree."""
