"""A state directory holds one simulation: another one starts fresh. What is simulated, and who reads it."""

from pathlib import Path

import pytest

from grantwire.cli.exits import Exit, Stop
from grantwire.cli.simulated import Reader, Simulation, connector_of, make_room, simulation_of, title
from grantwire.local import StateDir

ONE = Simulation(1, 100, 20, 50)
OTHER = Simulation(2, 100, 20, 50)


def opened(path: Path) -> StateDir:
    state = StateDir(path)
    state.open()
    return state


def test_the_same_account_keeps_its_state(tmp_path: Path) -> None:
    state = opened(tmp_path / "demo")
    assert make_room(state, ONE, keep=False) is None
    (state.path / "data").touch()
    assert make_room(state, ONE, keep=False) is None
    assert (state.path / "data").exists()


def test_another_account_starts_fresh_under_the_same_lock(tmp_path: Path) -> None:
    state = opened(tmp_path / "demo")
    make_room(state, ONE, keep=False)
    (state.folder("postgres") / "data").touch()
    assert "deleted" in str(make_room(state, OTHER, keep=False))
    assert sorted(path.name for path in state.path.iterdir()) == ["demo.json", "lock", "version"]
    assert make_room(state, OTHER, keep=False) is None


def test_another_account_may_be_kept_aside(tmp_path: Path) -> None:
    state = opened(tmp_path / "demo")
    make_room(state, ONE, keep=True)
    (state.folder("postgres") / "data").touch()
    assert str(tmp_path / "demo-seed-1") in str(make_room(state, OTHER, keep=True))
    assert (tmp_path / "demo-seed-1" / "postgres" / "data").exists()
    assert not (state.path / "postgres").exists()


def test_a_directory_that_no_demo_made_is_left_alone(tmp_path: Path) -> None:
    state = opened(tmp_path / "real")
    state.folder("postgres")
    with pytest.raises(Stop, match="must not mix") as stop:
        make_room(state, ONE, keep=False)
    assert stop.value.code == Exit.CONFLICT


FACTS = {
    "account": "111111111111",
    "seed": 1,
    "connectors": {
        "bulk": {"role_arn": "arn:aws:iam::111111111111:role/Grantwire", "external_id": "x-1"},
        "organization": {
            "role_arn": "arn:aws:iam::111111111111:role/Org",
            "external_id": "x-1",
            "child_role_name": "Child",
        },
        "delegated_minimum": {
            "role_arn": "arn:aws:iam::222222222222:role/OrgMinimum",
            "external_id": "x-1",
            "child_role_name": "ChildMinimum",
        },
    },
}
ORGANIZATION = {"id": "o-abc", "member_accounts": ["222222222222"], "child_external_id": {"222222222222": "child-1"}}


def test_an_account_of_an_organization_is_smaller_unless_its_sizes_are_given() -> None:
    nothing: dict[str, int | None] = {"users": None, "groups": None, "roles": None}
    assert simulation_of(1, 1, **nothing) == Simulation(1, 100, 20, 50, 1)
    assert simulation_of(1, 12, **nothing) == Simulation(1, 20, 8, 20, 12)
    assert simulation_of(1, 12, **nothing | {"users": 7}) == Simulation(1, 7, 8, 20, 12)
    arguments = simulation_of(1, 12, **nothing).arguments()
    assert arguments[8:14] == ["--accounts", "12", "--credentials", "--provisioning", "--identity-center", "--scim"]
    alone = simulation_of(1, 1, **nothing).arguments()
    assert alone[-4:] == ["--accounts", "1", "--credentials", "--provisioning"]


def test_the_account_of_a_demo_made_before_organizations_is_known(tmp_path: Path) -> None:
    state = opened(tmp_path / "demo")
    state.write(state.path / "demo.json", '{"seed": 1, "users": 100, "groups": 20, "roles": 50}')
    assert make_room(state, Simulation(1, 100, 20, 50, 1), keep=False) is None
    assert "something else" in str(make_room(state, Simulation(1, 20, 8, 20, 12), keep=False))


def test_an_account_alone_is_read_by_its_own_role() -> None:
    connector = connector_of(FACTS, Reader())
    assert (connector.organizations, connector.role_arn) == (False, "arn:aws:iam::111111111111:role/Grantwire")
    assert title(FACTS).startswith("SIMULATED ACCOUNT 111111111111")


def test_an_organization_is_read_with_child_roles_and_their_own_external_ids() -> None:
    facts = FACTS | {"organization": ORGANIZATION}
    connector = connector_of(facts, Reader())
    assert (connector.organizations, connector.child_role_name) == (True, "Child")
    assert connector.child_role("222222222222").external_id == "child-1"
    assert connector.child_role("333333333333").external_id is None
    assert connector_of(facts, Reader("minimum", delegated=True)).child_role_name == "ChildMinimum"
    assert (connector.sync_secrets, connector.identity_center, connector.scim) == (True, False, False)
    assert not connector_of(facts, Reader("minimum", delegated=True)).sync_secrets
    assert title(facts).startswith("SIMULATED ORGANIZATION o-abc (2 accounts, seed 1)")


def test_identity_center_and_scim_are_read_where_they_are_simulated() -> None:
    scim = {"endpoint": "http://127.0.0.1:1/t/scim/v2/", "token": "secret"}
    facts = FACTS | {"organization": ORGANIZATION, "identity_center": {"region": "eu-west-1"}, "scim": scim}
    connector = connector_of(facts, Reader())
    assert (connector.identity_center, connector.identity_center_region) == (True, "eu-west-1")
    assert (connector.scim, connector.scim_endpoint, connector.scim_token) == (True, scim["endpoint"], "secret")
