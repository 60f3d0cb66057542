"""What answers over HTTP: pages and the JSON API, over the same services."""
