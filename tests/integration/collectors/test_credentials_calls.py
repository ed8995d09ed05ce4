"""How many calls reading credentials takes: the first time, again, and after something moved."""

from collections import Counter

import pytest

from grantwire.sandbox.server import Sandbox, start
from tests.integration.collectors.conftest import use
from tests.integration.collectors.credential_reading import Collecting, admin_of, collecting

REPORT = {"iam:GenerateCredentialReport": 1, "iam:GetCredentialReport": 1, "iam:ListUsers": 1}
HOUR = 3_600


def readable(sandbox: Sandbox) -> list[str]:
    accounts = {sandbox.account, *sandbox.facts["organization"]["member_accounts"]} - sandbox.unreachable().keys()
    return sorted(accounts)


def everyone_has_a_key(sandbox: Sandbox, account: str) -> int:
    """How many users the account has, each with a key now."""
    lines = sandbox.truth(accounts=[account], sources=["iam", "credentials"])
    users = {line["native_id"] for line in lines if line["kind"] == "iam_user" and not line["attributes"]["is_root"]}
    users = {arn for arn in users if f":{account}:" in arn}
    admin = admin_of(sandbox, account)
    for arn in users - {line["source"] for line in lines if line["kind"] == "owns"}:
        admin.create_access_key(UserName=arn.rpartition("/")[2])
    return len(users)


async def read_all(process: Collecting, accounts: list[str]) -> Counter[str]:
    spent = Counter[str]()
    for account in accounts:
        await process.read(account)
        spent.update(process.calls)
    return spent


@pytest.mark.parametrize(
    ("count", "each"), [(3, 20), pytest.param(10, 100, marks=pytest.mark.slow)], ids=["quick", "ten of a hundred"]
)
async def test_a_first_sync_asks_each_owner_once_and_the_next_one_nobody(
    count: int, each: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    with start(1, credentials=True, users=each, groups=2, roles=6, accounts=count + 6) as sandbox:
        use(sandbox, monkeypatch)
        accounts = readable(sandbox)[:count]
        users = sum(everyone_has_a_key(sandbox, account) for account in accounts)
        assert len(accounts) == count and users >= count * each
        with collecting(sandbox) as process:
            first = await read_all(process, accounts)
            again = await read_all(process, accounts)
            sandbox.control("POST", "clock", {"advance": 5 * HOUR})
            later = await read_all(process, accounts)
        assert first.pop("sts:AssumeRole") <= count + 1, "the connector's role and each child role"
        assert first == Counter(dict.fromkeys(REPORT, count) | {"iam:ListAccessKeys": users})
        assert first.total() == 3 * count + users, "1,030 for ten accounts of a hundred users"
        assert again == Counter(dict.fromkeys(REPORT, count)), "nothing moved: three calls for each account"
        assert "iam:ListAccessKeys" not in later, "a new report that says the same as before"
        assert sandbox.violations() == []
