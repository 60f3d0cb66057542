"""The real adapters over an empty table, as the contract tests have them."""

from tests.contract.conftest import dynamo_parts, table_name

__all__ = ["dynamo_parts", "table_name"]
