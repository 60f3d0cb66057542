"""HTML pages, by capability."""
