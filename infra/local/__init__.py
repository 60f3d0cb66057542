"""The whole product on one machine, without Docker or AWS. Never packaged."""
