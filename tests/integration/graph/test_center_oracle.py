"""Answers in both directions against three joins written here, over directories made at random."""

import random

import pytest

from grantwire.contracts.resources import Kind
from grantwire.graph import Graph, queries
from tests.integration.graph.centers import Center, assigned, pair, permission_set, person, team
from tests.integration.graph.scenes import member, organization_bus, organization_of

ACCOUNTS = [f"{n:012}" for n in range(1, 5)]


@pytest.mark.parametrize("seed", [1, 2])
async def test_who_enters_what_is_the_same_from_both_ends(graph: Graph, seed: int) -> None:
    chance = random.Random(seed)
    people, teams = [person(f"p{n}") for n in range(14)], [team(f"t{n}") for n in range(5)]
    sets = [permission_set(f"S{n}") for n in range(3)]
    links = [member(each, who) for each in teams for who in people if chance.random() < 0.3]
    grants = [
        (who, set_, account)
        for who in (*people, *teams)
        for set_ in sets
        for account in ACCOUNTS
        if chance.random() < 0.12
    ]
    await organization_bus(graph).send(organization_of(*ACCOUNTS))
    center = Center(graph, people, teams, links, sets, [assigned(*each) for each in grants])
    await center.load([(set_, account) for set_ in sets for account in ACCOUNTS])

    groups = {(link.source, link.target) for link in links}
    direct = {(who.native_id, pair(set_, account).native_id) for who, set_, account in grants}
    held = direct | {(who, what) for who, group in groups for holder, what in direct if holder == group}

    for who in (*people, *teams):
        answer = await queries.can(graph, await queries.resolve(graph, who.native_id))
        reached = {path.end.native_id for path in answer.paths if path.end.kind is Kind.PROVISIONED_PERMISSION_SET}
        assert reached == {what for holder, what in held if holder == who.native_id}
        entered = {path.end.native_id for path in answer.paths if path.end.kind is Kind.ACCOUNT}
        assert entered == {what.partition("/")[0] for what in reached}
    for target in (*ACCOUNTS, *(set_.native_id for set_ in sets)):
        answer = await queries.who_can(graph, await queries.resolve(graph, target))
        found = {(path.end.native_id, what) for path in answer.paths for what in path.provisioned}
        assert found == {(who, what) for who, what in held if target in what}
    for set_ in sets:
        what = pair(set_, ACCOUNTS[0]).native_id
        answer = await queries.who_can(graph, await queries.resolve(graph, what))
        assert {path.end.native_id for path in answer.paths} == {who for who, held_ in held if held_ == what}
