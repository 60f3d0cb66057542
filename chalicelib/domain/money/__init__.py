"""The fund and its ledger, in integer pence."""
