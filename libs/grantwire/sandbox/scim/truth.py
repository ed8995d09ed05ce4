"""The truth of the SCIM endpoint: every user of its directory, as far as SCIM tells. Standard library only.

When the endpoint was read (`read_at`) is not in it: a truth knows nothing of readers.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from grantwire.sandbox.identity_center.facts import CenterRow, Instance, Person
from grantwire.sandbox.truth import Line, relation, resource

_ISSUER = "https://scim.aws.com/"
READ_AT = "scim_user.read_at"


def lines(rows: Iterable[CenterRow], directory_told: bool) -> Iterator[Line]:
    """Every line of the export. `directory_told`: so are the directory's own users, whom SCIM's mirror."""
    rows = list(rows)
    instances = sorted((row for row in rows if isinstance(row, Instance)), key=lambda each: not each.organized)
    for row in rows:
        if instances and isinstance(row, Person) and row.store == instances[0].store:
            yield from _person(row, directory_told)


def _person(row: Person, directory_told: bool) -> Iterator[Line]:
    given = [number for issuer, number in row.external_ids if issuer.startswith(_ISSUER)]
    attributes = {
        "user_name": row.user_name,
        "active": row.status == "ENABLED",
        "external_id": given[0] if given else None,
    }
    yield resource("scim_user", f"scim:{row.id}", None, row.user_name, attributes)
    if directory_told:
        yield relation("mirrors", (f"scim:{row.id}", "scim_user"), (row.id, "identity_user"))
