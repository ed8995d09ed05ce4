"""Do AWS's answers fit together? Calls are seconds apart and IAM is eventually consistent, so they may not. Pure."""

from collections.abc import Iterable, Iterator

from grantwire.aws.iam.shapes import Entity
from grantwire.collectors.iam.answers import BulkAnswers, MinimumAnswers
from grantwire.collectors.kit.reading import Doubts


def of_bulk(answers: BulkAnswers, own_name: str | None) -> Doubts:
    """Users and roles of one call that the other lacks, groups that only a member names, ourselves missing."""
    details = answers.details
    return frozenset(
        (
            *_differences("user", details.users, answers.users),
            *_differences("role", details.roles, answers.roles),
            *unseen_groups(answers),
            *_ourselves(own_name, details.users, details.roles),
        )
    )


def of_minimum(answers: MinimumAnswers, own_name: str | None) -> Doubts:
    """Members that ``ListUsers`` lacks, groups replaced or gone since ``ListGroups``, ourselves missing."""
    users = {user.unique_id for user in answers.users}
    members = (user for found in answers.members.values() for user in found.users)
    strangers = (f"{user.arn} is a member but not in ListUsers" for user in members if user.unique_id not in users)
    gone = (f"the group {arn} is listed but gone" for arn in answers.gone)
    ourselves = _ourselves(own_name, answers.users, answers.roles)
    return frozenset((*strangers, *gone, *_replaced(answers), *ourselves))


def unseen_groups(answers: BulkAnswers) -> list[str]:
    """Memberships that cannot be told: the group's ARN is in no answer."""
    known = {group.name for group in answers.details.groups}
    return [
        f"{user.arn} is in the group {name}, which is not listed"
        for user in answers.details.users
        for name in user.groups
        if name not in known
    ]


def missed(known: Iterable[Entity], sweep: Iterable[Entity] | None) -> list[Entity]:
    """What a sweep that was allowed does not have."""
    if sweep is None:
        return []
    swept = {entity.unique_id for entity in sweep}
    return [entity for entity in known if entity.unique_id not in swept]


def own_name(arn: str) -> str | None:
    """The user or role behind a caller's ARN, which IAM must list; None for the root user and federated callers."""
    kind, _, rest = arn.rpartition(":")[2].partition("/")
    if kind == "assumed-role":
        return rest.partition("/")[0] or None
    return rest.rpartition("/")[2] or None if kind == "user" else None


def _differences(kind: str, known: Iterable[Entity], sweep: Iterable[Entity] | None) -> Iterator[str]:
    if sweep is None:
        return
    known, sweep = list(known), list(sweep)
    yield from (f"the {kind} {each.arn} is not in the list of all {kind}s" for each in missed(known, sweep))
    yield from (f"the {kind} {each.arn} is only in the list of all {kind}s" for each in missed(sweep, known))


def _replaced(answers: MinimumAnswers) -> Iterator[str]:
    listed = {group.arn: group.unique_id for group in answers.groups}
    for arn, found in answers.members.items():
        if listed.get(arn) != found.group.unique_id:
            yield f"the group {arn} was replaced while it was read"


def _ourselves(name: str | None, users: Iterable[Entity], roles: Iterable[Entity]) -> Iterator[str]:
    """An answer without the very user or role that asked is not all there is."""
    if name is not None and name not in {entity.name for entity in (*users, *roles)}:
        yield f"{name}, whose credentials asked, is not listed"
