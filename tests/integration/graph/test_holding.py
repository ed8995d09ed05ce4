"""Removals that wait: what is listed, what a confirmation releases, what a rejection keeps."""

from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from grantwire.contracts.connectors import Connector, ConnectorState
from grantwire.contracts.failures import Conflict, NotFound
from grantwire.contracts.resources import Facts
from grantwire.graph import Graph, connectors, holding, queries, runs
from grantwire.graph.holding import HeldRow, HeldScope
from tests.integration.graph.scenes import (
    ACCOUNT,
    BEGAN,
    TRACE,
    Bus,
    facts,
    fetch,
    group,
    member,
    role,
    trust,
    user,
    value,
    writes,
)

SCOPE = f"iam/{ACCOUNT}"
USERS = [user(f"u{n:03}") for n in range(100)]
ROLES = [role(f"r{n:02}") for n in range(50)]
ADMINS = group("admins")
MEMBERS = [member(ADMINS, one) for one in USERS[:10]]


@dataclass
class Account:
    """One account whose connector is known, as a collector reads it."""

    graph: Graph
    bus: Bus

    async def held(self) -> HeldScope:
        (held,) = await holding.list_all(self.graph, ids=True)
        return held

    async def confirm(self, fingerprint: UUID) -> str:
        return await holding.confirm(self.graph, SCOPE, fingerprint, traceparent=TRACE)

    async def state(self) -> str:
        return str(await value(self.graph, "SELECT state FROM scope"))

    async def kinds(self) -> Counter[str]:
        counts = await queries.counts(self.graph)
        return Counter(counts.resources) + Counter(counts.relations)


async def loaded(graph: Graph, content: Facts) -> Account:
    connector = Connector(id="prod", role_arn=f"arn:aws:iam::{ACCOUNT}:role/Grantwire", interval=timedelta(minutes=1))
    await connectors.put(graph, connector, account=ACCOUNT, state=ConnectorState.SYNCING, reason=None)
    account = Account(graph, Bus(graph))
    await account.bus.send(content)
    return account


async def test_no_user_left_is_held_and_listed(graph: Graph) -> None:
    account = await loaded(graph, facts([*USERS, ADMINS], MEMBERS))
    assert await holding.list_all(graph) == []
    assert (await account.bus.send(facts([ADMINS]))).removed == 0
    held = await account.held()
    assert (held.scope, held.connector, held.rows, held.confirmed) == (SCOPE, "prod", 110, False)
    assert held.losses == {"iam_user": {"before": 100, "lost": 100}, "member_of": {"before": 10, "lost": 10}}
    assert held.ids is not None and len(held.ids) == 110
    assert held.ids[:100] == [HeldRow("iam_user", native_id=one.native_id) for one in USERS]
    assert held.ids[100] == HeldRow("member_of", source=USERS[0].native_id, target=ADMINS.native_id)
    assert (await holding.list_all(graph))[0].ids is None
    assert await account.kinds() == {"iam_user": 100, "iam_group": 1, "member_of": 10}


async def test_a_confirmation_releases_exactly_what_was_shown(graph: Graph) -> None:
    account = await loaded(graph, facts([*USERS, ADMINS], MEMBERS))
    await account.bus.send(facts([ADMINS]))
    run = await account.confirm((await account.held()).fingerprint)
    view = await runs.get(graph, run)
    assert (view.state, view.full, view.cause, view.connector) == ("requested", True, "manual", "prod")
    assert (await account.held()).confirmed
    assert (await account.bus.send(facts([ADMINS]), run=run)).removed == 110
    assert (await holding.list_all(graph), await account.state()) == ([], "complete")
    assert await account.kinds() == {"iam_group": 1}
    assert await value(graph, "SELECT count(*) FROM held_removal") == 0
    log = [line.text for line in (await connectors.get(graph, "prod")).log]
    assert f"110 removals of {SCOPE} were confirmed; run {run} removes them." in log


async def test_another_loss_after_a_confirmation_is_judged_anew(graph: Graph) -> None:
    account = await loaded(graph, facts(USERS))
    await account.bus.send(facts(USERS[30:]))
    first = (await account.held()).fingerprint
    await account.confirm(first)
    assert (await account.bus.send(facts(USERS[31:]))).removed == 0
    second = await account.held()
    assert (second.rows, second.confirmed) == (31, False)
    assert second.fingerprint != first
    assert (await account.bus.send(facts(USERS[30:]))).removed == 0, "what was confirmed once is not confirmed for ever"


async def test_what_changed_after_it_was_shown_is_not_confirmed(graph: Graph) -> None:
    account = await loaded(graph, facts(USERS))
    await account.bus.send(facts(USERS[30:]))
    shown = (await account.held()).fingerprint
    await account.bus.send(facts(USERS[40:]))
    with pytest.raises(Conflict, match=r"not those that were shown.*40 of 100 iam_user"):
        await account.confirm(shown)
    assert await runs.pending(graph) == []
    assert not (await account.held()).confirmed


async def test_a_failed_reading_keeps_the_confirmation_for_the_next_whole_one(graph: Graph) -> None:
    account = await loaded(graph, facts(USERS))
    await account.bus.send(facts(USERS[30:]))
    await account.confirm((await account.held()).fingerprint)
    await account.bus.fail()
    assert (await account.held()).confirmed
    assert (await account.bus.send(facts(USERS[30:]))).removed == 30


async def test_most_roles_with_what_leads_to_them(graph: Graph) -> None:
    """The trusts of held roles stay with them, though trusts alone would not have been too many."""
    trusts = [trust(USERS[0], one) for one in ROLES[:3]] + [trust(USERS[1], one) for one in ROLES[30:]]
    account = await loaded(graph, facts([*USERS[:2], *ROLES], trusts))
    assert (await account.bus.send(facts([*USERS[:2], *ROLES[30:]], trusts[3:]))).removed == 0
    held = await account.held()
    assert (held.losses, held.rows) == ({"iam_role": {"before": 50, "lost": 30}}, 33)
    assert held.ids is not None
    assert [row.target for row in held.ids if row.kind == "can_assume"] == [one.native_id for one in ROLES[:3]]
    await account.confirm(held.fingerprint)
    assert (await account.bus.send(facts([*USERS[:2], *ROLES[30:]], trusts[3:]))).removed == 33


async def test_an_honest_small_removal_passes_at_once(graph: Graph) -> None:
    account = await loaded(graph, facts([*USERS, *ROLES]))
    assert (await account.bus.send(facts([*USERS[3:], *ROLES[1:]]))).removed == 4
    assert (await holding.list_all(graph), await account.state()) == ([], "complete")


async def test_a_rejection_keeps_the_rows_until_the_next_run_judges(graph: Graph) -> None:
    account = await loaded(graph, facts(USERS))
    await account.bus.send(facts(USERS[30:]))
    await account.confirm((await account.held()).fingerprint)
    reason = await holding.reject(graph, SCOPE)
    assert "30 removals were rejected (30 of 100 iam_user)" in reason.text
    (view,) = await queries.scopes(graph, BEGAN)
    assert (view.state, view.reason, view.held) == ("stale", reason, None)
    stored = await connectors.get(graph, "prod")
    assert (stored.state, stored.reason) == (ConnectorState.DEGRADED, f"{SCOPE}: {reason.text}")
    assert await holding.list_all(graph) == []
    assert await account.kinds() == {"iam_user": 100}
    assert (await account.bus.send(facts(USERS[30:]))).removed == 0, "a rejection takes a confirmation back"
    assert (await account.held()).rows == 30


async def test_a_rejection_does_not_hide_that_the_account_became_unreadable(graph: Graph) -> None:
    account = await loaded(graph, facts(USERS))
    await account.bus.send(facts(USERS[30:]))
    await account.bus.fail()
    await holding.reject(graph, SCOPE)
    (view,) = await queries.scopes(graph, BEGAN)
    assert view.state == "stale" and view.reason is not None and view.reason.code == "denied"


async def test_what_comes_back_no_longer_waits(graph: Graph) -> None:
    account = await loaded(graph, facts(USERS))
    await account.bus.send(facts(USERS[30:]))
    await account.bus.send(facts(USERS))
    assert (await holding.list_all(graph), await account.state()) == ([], "complete")


async def test_where_nothing_is_held(graph: Graph) -> None:
    account = await loaded(graph, facts(USERS))
    for scope in (SCOPE, "iam/999999999999"):
        with pytest.raises(NotFound, match="no scope at all"):
            await holding.confirm(graph, scope, uuid4(), traceparent=None)
    await account.bus.send(facts())
    with pytest.raises(NotFound, match=f"some wait in {SCOPE}"):
        await holding.reject(graph, "iam/999999999999")


async def test_the_same_loss_again_is_not_noted_again(graph: Graph) -> None:
    account = await loaded(graph, facts(USERS))
    await account.bus.send(facts(USERS[30:]))
    since, before = (await account.held()).since, (await writes(graph))["held_removal"]
    await account.bus.send(facts(USERS[30:]))
    assert (await account.held()).since == since
    assert (await writes(graph))["held_removal"] == before == 30
    await account.bus.send(facts(USERS[31:]))
    assert (await account.held()).since > since
    assert await fetch(graph, "SELECT 1 FROM held_removal WHERE dst IS NOT NULL") == []
