"""What the product is about, in plain Python: no AWS, no HTTP, no clock."""
