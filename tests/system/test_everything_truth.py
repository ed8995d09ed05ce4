"""The export of everything equals the truth: every seed and reader, with each optional permission and without it."""

from collections.abc import AsyncIterator, Iterator
from typing import Any, Final

import pytest
import pytest_asyncio

from tests.support import everything, following
from tests.support.house import House, house, use
from tests.support.nats import NatsServer
from tests.support.oracle import judge
from tests.support.postgres import database_url, postgres_server, template_url
from tests.support.world import Sandbox, sandbox

__all__ = ["database_url", "postgres_server", "template_url"]

ACCOUNTS: Final = (
    "--accounts",
    "8",
    "--users",
    "6",
    "--groups",
    "3",
    "--roles",
    "6",
    "--short",
    "0.5",
    "--empty",
    "0.3",
)
DIRECTORY: Final = (
    "--directory-users",
    "24",
    "--directory-groups",
    "7",
    "--permission-sets",
    "8",
    "--provisioned",
    "16",
)
SEEDS, READERS = (1, 2, 3), ("organization", "delegated")
# What is unread without a permission, and nothing else is.
OPTIONAL: Final[dict[str, tuple[str, ...]]] = {
    "sso:ListManagedPoliciesInPermissionSet": ("attached", "permission_set.managed_policies"),
    "sso:ListCustomerManagedPolicyReferencesInPermissionSet": ("permission_set.customer_policies",),
    "sso:GetInlinePolicyForPermissionSet": ("attached", "inline_policy", "permission_set.inline_policy"),
    "sso:GetPermissionsBoundaryForPermissionSet": ("bounded_by", "permission_set.boundary"),
    "sso:ListTagsForResource": ("permission_set.tags",),
    "identitystore:DescribeUser": (),
    "identitystore:DescribeGroup": (),
    "identitystore:ListGroupMembershipsForMember": (),
    "organizations:ListDelegatedAdministrators": ("account.delegated_services",),
    "iam:ListAccountAliases": ("account.aliases",),
    "iam:GetAccessKeyLastUsed": (),
}
# What IAM does not tell, and credentials do; and the keys of a root user, of which AWS gives no ids.
TOLD_ELSEWHERE: Final = {f"iam_user.{name}" for name in ("console_access", "mfa_active", "password_last_changed")}
ROOT_KEYS: Final = "access_key"


@pytest.fixture(scope="module")
def aws(request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    seed, without = request.param
    options = ("--without", without) if without else ()
    with sandbox(seed, *ACCOUNTS, *DIRECTORY, *everything.OPTIONS, *options) as running:
        yield running


@pytest_asyncio.fixture
async def home(aws: Sandbox, database_url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[House]:
    use(aws, monkeypatch)
    monkeypatch.setenv("GRANTWIRE_SCIM_ALLOWED_ORIGINS", aws.endpoint)
    with NatsServer() as nats:
        async with house(database_url, nats.url) as running:
            yield running


def cells() -> Iterator[Any]:
    """The short form has each reader, and one permission less."""
    for seed in SEEDS:
        for reader in READERS:
            for without in (None, *OPTIONAL):
                short = without is None and seed == SEEDS[READERS.index(reader)]
                short |= without == "sso:ListTagsForResource" and (seed, reader) == (3, "organization")
                marks = () if short else pytest.mark.slow
                yield pytest.param((seed, without), reader, marks=marks, id=f"{seed}-{reader}-{without or 'all'}")


@pytest.mark.parametrize(("aws", "reader"), list(cells()), indirect=["aws"])
async def test_the_export_equals_the_truth(aws: Sandbox, home: House, reader: str, request: Any) -> None:
    settings, center = everything.settings(aws, reader), everything.instance(aws)
    await following.add(home.graph, settings, aws.organization, identity_center=center)
    await following.sync(home.graph, "prod")
    scopes = await following.scopes(home.graph)
    closed = {f"{source}/{account}" for account in aws.unreachable(reader) for source in ("iam", "credentials")}
    assert {key for key, scope in scopes.items() if scope.state != "complete"} == closed, _reasons(scopes)
    unread = {item["what"] for scope in scopes.values() for item in scope.unread}
    usual = {*aws.get(f"truth/unread?plan=bulk&sources={','.join(everything.SOURCES)}")}
    lacking = set(OPTIONAL.get(request.node.callspec.params["aws"][1], ()))
    assert unread - usual - TOLD_ELSEWHERE - {ROOT_KEYS} == lacking, "what is unread is named, and nothing else is"
    verdict = judge(everything.truth(aws, reader=reader), await following.export(home.graph), lacking | usual)
    assert verdict.equal, str(verdict)


def _reasons(scopes: dict[str, Any]) -> dict[str, str]:
    return {key: scope.reason.text for key, scope in scopes.items() if scope.reason}
