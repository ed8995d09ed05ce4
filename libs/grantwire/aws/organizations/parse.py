"""One row of an Organizations answer into its typed value."""

from typing import Any

from grantwire.aws.organizations import shapes
from grantwire.aws.rows import Needing, Row, time_or_none


class Parser(Needing):
    """Reads rows of one operation, which its errors name."""

    def organization(self, answer: Row) -> shapes.Organization:
        row = self.need(answer, "Organization", dict)
        return shapes.Organization(
            id=self.need(row, "Id", str),
            arn=self.need(row, "Arn", str),
            management_account=self.need(row, "MasterAccountId", str),
            feature_set=_text(row, "FeatureSet"),
        )

    def unit(self, row: Row) -> shapes.Unit:
        return shapes.Unit(**self._named(row))

    def account(self, row: Row) -> shapes.Account:
        return shapes.Account(
            **self._named(row),
            email=_text(row, "Email"),
            state=_text(row, "State") or _text(row, "Status"),
            joined_method=_text(row, "JoinedMethod"),
            joined_at=time_or_none(row.get("JoinedTimestamp")),
        )

    def _named(self, row: Row) -> dict[str, Any]:
        return {"id": self.need(row, "Id", str), "arn": self.need(row, "Arn", str), "name": self.need(row, "Name", str)}


def _text(row: Row, name: str) -> str | None:
    value = row.get(name)
    return value if isinstance(value, str) and value else None
