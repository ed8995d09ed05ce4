"""The facts of an account's credentials are the truth: every key, its owner, its use, the root user, the facets."""

import pytest

from grantwire.sandbox.server import start
from tests.integration.collectors.conftest import use
from tests.integration.collectors.credential_reading import (
    collecting,
    facets,
    facets_wanted,
    told,
    told_lines,
)

COVERED = ["iam_user", "contains", "facet", "access_key", "owns"]
SEEDS = [1, pytest.param(2, marks=pytest.mark.slow), pytest.param(3, marks=pytest.mark.slow)]


@pytest.mark.parametrize("seed", SEEDS)
async def test_a_standalone_account_is_the_truth(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    with start(seed, credentials=True, users=40, groups=2, roles=6, short=0.6, empty=0.3) as sandbox:
        use(sandbox, monkeypatch)
        with collecting(sandbox) as process:
            reading = await process.read()
        assert told(reading) == told_lines(sandbox, sandbox.account)
        assert len(told(reading)) > 50
        assert facets(reading) == facets_wanted(sandbox, sandbox.account)
        assert (reading.plan, reading.covers) == ("report", COVERED)
        assert sandbox.violations() == []


@pytest.mark.parametrize("seed", SEEDS)
async def test_every_account_of_an_organization_is_the_truth(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    with start(seed, credentials=True, users=9, groups=2, roles=6, accounts=8) as sandbox:
        use(sandbox, monkeypatch)
        members = {sandbox.account, *sandbox.facts["organization"]["member_accounts"]} - sandbox.unreachable().keys()
        with collecting(sandbox) as process:
            for account in sorted(members):
                reading = await process.read(account)
                assert told(reading) == told_lines(sandbox, account)
                assert facets(reading) == facets_wanted(sandbox, account)
        assert len(members) > 3
        assert sandbox.violations() == []
