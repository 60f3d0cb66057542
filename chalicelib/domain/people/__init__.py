"""Who holds which role, and how somebody shows who they are."""
