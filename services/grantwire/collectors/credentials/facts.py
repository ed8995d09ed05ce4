"""AWS's answers become the graph's rows, by docs/reference/credentials-facts.md. Pure."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from grantwire.aws.credentials.shapes import AccessKey, LastUse, ReportRow
from grantwire.collectors.credentials import uses
from grantwire.collectors.credentials.answers import Answers
from grantwire.collectors.kit.times import rfc3339
from grantwire.contracts.resources import Facts, Kind, Relation, RelationKind, Resource, facet


def facts_from_answers(account: str, answers: Answers) -> Facts:
    """The root user, what the report adds to each user, every key and who owns it."""
    root = [row for row in answers.report.rows if row.is_root] if answers.report else []
    resources = (*(_root(account, row) for row in root), *_facets(account, answers), *_keys(account, answers))
    contains = (Relation(RelationKind.CONTAINS, account, Kind.ACCOUNT, row.arn, Kind.IAM_USER) for row in root)
    mentions = (Resource(Kind.ACCOUNT, account, account, account, {}),)
    return Facts(resources, (*contains, *_owns(answers)), mentions)


def _root(account: str, row: ReportRow) -> Resource:
    attributes = {
        "created_at": rfc3339(row.created_at),
        "is_root": True,
        "password_last_used": rfc3339(row.password_last_used),
        **_reported(row),
    }
    return Resource(Kind.IAM_USER, row.arn, account, "root", attributes)


def _facets(account: str, answers: Answers) -> Iterator[Resource]:
    for holder in answers.holders:
        if holder.line is not None:
            yield facet("credentials", Kind.IAM_USER, holder.arn, account, _reported(holder.line))


def _reported(row: ReportRow) -> dict[str, Any]:
    return {
        "console_access": row.console_access,
        "mfa_active": row.mfa_active,
        "password_last_changed": rfc3339(row.password_last_changed),
    }


def _keys(account: str, answers: Answers) -> Iterator[Resource]:
    used, times = uses.known(answers), uses.report_times(answers)
    for holder in answers.holders:
        for key in answers.keys_of(holder):
            attributes = _key(key) | _use(used.get(key.id)) | _as_of(times.get(key.id))
            yield Resource(Kind.ACCESS_KEY, key.id, account, key.id, attributes)


def _key(key: AccessKey) -> dict[str, Any]:
    return {"status": key.status, "created_at": rfc3339(key.created_at)}


def _use(use: LastUse | None) -> dict[str, Any]:
    if use is None:
        return {}
    return {"last_used_at": rfc3339(use.at), "last_used_service": use.service, "last_used_region": use.region}


def _as_of(time: datetime | None) -> dict[str, Any]:
    return {} if time is None else {"report_time": rfc3339(time)}


def _owns(answers: Answers) -> Iterator[Relation]:
    for holder in answers.holders:
        for key in answers.keys_of(holder):
            yield Relation(RelationKind.OWNS, holder.arn, Kind.IAM_USER, key.id, Kind.ACCESS_KEY)
