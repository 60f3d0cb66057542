"""Money that leaves the fund, and what of it comes back."""
