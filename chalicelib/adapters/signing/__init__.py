"""What only the signing keys can make: links, cookies and seals."""
