"""What a form file says: its questions, its rules, its stages, and the answers held against them."""
