"""Do Identity Center's answers fit together? Calls are moments apart, and somebody may write in between. Pure."""

from collections.abc import Iterator

from grantwire.collectors.identity_center.answers import Memberships, Provisioned, Sets
from grantwire.collectors.kit.reading import Doubts


def of_memberships(found: Memberships) -> Doubts:
    """Groups or users that were listed and then gone."""
    return frozenset(f"{each} is listed but gone" for each in found.gone)


def of_sets(found: Sets) -> Doubts:
    """Permission sets that were listed and then gone."""
    return frozenset(f"the permission set {each} is listed but gone" for each in found.gone)


def of_provisioned(found: Provisioned) -> Doubts:
    """Permission sets that one list has and another lacks, or that were gone when they were asked about."""
    return frozenset(_of_provisioned(found))


def _of_provisioned(found: Provisioned) -> Iterator[str]:
    yield from (f"the permission set {each} is provisioned but gone" for each in found.gone)
    for each in sorted(found.behind.difference(found.sets)):
        yield f"the permission set {each} is provisioned, and not in the list of all that are"
