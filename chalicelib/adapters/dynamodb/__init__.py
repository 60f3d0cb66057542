"""Everything that is stored in the one table, through PynamoDB."""
