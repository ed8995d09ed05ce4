"""Whether a sync of the simulated organization met exactly the trouble that was planted."""

from typing import Any

import pytest

from grantwire.cli.planted import differences, sources_of
from grantwire.contracts.connectors import Connector

TROUBLES = {"1": "the account is SUSPENDED", "2": "the child role does not exist"}


def scope(account: str) -> dict[str, Any]:
    return {"scope": f"iam/{account}", "reason": "AWS said so."}


def met(stale: list[str], unreachable: list[str]) -> dict[str, list[dict[str, Any]]]:
    return {"complete": [], "stale": [scope(each) for each in stale], "unreachable": [scope(n) for n in unreachable]}


def test_exactly_what_was_planted_differs_in_nothing() -> None:
    assert differences(TROUBLES, met(["2"], ["1"])) == []
    assert differences({}, met([], [])) == []


@pytest.mark.parametrize(
    ("stale", "unreachable", "said"),
    [
        (["2", "3"], ["1"], "iam/3 is stale, and nothing was planted there: AWS said so."),
        (["2"], ["1", "3"], "iam/3 is unreachable, and nothing was planted there: AWS said so."),
        ([], ["1"], "iam/2 should be stale (the child role does not exist), and is not"),
        (["1", "2"], [], "iam/1 is stale and should be unreachable: the account is SUSPENDED"),
        ([], ["1", "2"], "iam/2 is unreachable and should be stale: the child role does not exist"),
    ],
)
def test_every_other_outcome_is_named(stale: list[str], unreachable: list[str], said: str) -> None:
    assert differences(TROUBLES, met(stale, unreachable)) == [said]


def test_where_nobody_gets_in_there_are_no_credentials_either() -> None:
    outcomes = met(["2"], ["1"])
    outcomes["complete"] = [{"scope": "credentials/4", "reason": None}]
    assert [said.partition(" ")[0] for said in differences(TROUBLES, outcomes)] == ["credentials/1", "credentials/2"]
    outcomes["stale"].append({"scope": "credentials/2", "reason": "AWS said so."})
    outcomes["unreachable"].append({"scope": "credentials/1", "reason": "AWS said so."})
    assert differences(TROUBLES, outcomes) == []


def test_assignments_are_read_from_outside_and_no_trouble_is_planted_there() -> None:
    outcomes = met(["2"], ["1"])
    outcomes["stale"].append({"scope": "assignments/1", "reason": "Throttled."})
    assert differences(TROUBLES, outcomes) == ["assignments/1 is stale, and nothing was planted there: Throttled."]


def test_a_connector_reads_what_its_settings_say() -> None:
    assert sources_of(Connector(id="a")) == ("iam",)
    whole = Connector(id="a", organizations=True, identity_center=True, sync_secrets=True, scim=True)
    assert sources_of(whole) == ("organization", "iam", "credentials", "identity_center", "scim")
