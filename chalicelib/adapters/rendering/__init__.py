"""What makes texts and tables from templates."""
