"""One row of an answer of Identity Center or its directory into its typed value."""

from typing import Any

from grantwire.aws.identity_center import shapes
from grantwire.aws.rows import Needing, Row


class Parser(Needing):
    """Reads rows of one operation, which its errors name."""

    def instance(self, row: Row) -> shapes.Instance:
        return shapes.Instance(
            arn=self.need(row, "InstanceArn", str),
            identity_store=self.need(row, "IdentityStoreId", str),
            owner=_text(row, "OwnerAccountId"),
            status=_text(row, "Status"),
            primary_region=_text(row, "PrimaryRegion"),
        )


def _text(row: Row, name: str) -> str | None:
    value: Any = row.get(name)
    return value if isinstance(value, str) and value else None
