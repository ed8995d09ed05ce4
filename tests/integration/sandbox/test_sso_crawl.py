"""Identity Center and credentials against their truth: a naive crawl by boto3 finds what the truth says."""

from __future__ import annotations

import re
from typing import Any

import pytest

from grantwire.sandbox.identity_center.facts import DirectorySizes
from grantwire.sandbox.server import Sandbox, start
from tests.integration.sandbox.clients import admin, assume, client
from tests.integration.sandbox.crawl import Line
from tests.integration.sandbox.org_crawl import admin_of
from tests.integration.sandbox.sso_clients import boss, sso, store
from tests.integration.sandbox.sso_crawl import CenterCrawl, credentials_of
from tests.integration.sandbox.test_access import refused

SIZES: dict[str, Any] = {"users": 6, "groups": 2, "roles": 8}
FEW = DirectorySizes(16, 9, 6, 9)


def lines(found: list[Line]) -> dict[tuple[str, ...], Line]:
    keyed: dict[tuple[str, ...], Line] = {
        (line["kind"], line.get("native_id") or line["source"], line.get("target", "")): line for line in found
    }
    assert len(keyed) == len(found)
    return keyed


def crawl(sandbox: Sandbox, name: str) -> list[Line]:
    accounts = [row["id"] for row in sandbox.organization()["accounts"]]
    return CenterCrawl(sso(sandbox, name), store(sandbox, name), accounts).run()


@pytest.mark.parametrize(
    ("seed", "partition", "mess", "name"),
    [
        (1, "aws", (0.0, 0.0), "organization"),
        (2, "aws-us-gov", (0.5, 0.3), "delegated"),
        (3, "aws-cn", (0.8, 0.1), "organization"),
    ],
)
def test_the_crawl_is_the_truth(seed: int, partition: str, mess: tuple[float, float], name: str) -> None:
    given: dict[str, Any] = SIZES | {"short": mess[0], "empty": mess[1], "partition": partition, "directory": FEW}
    with start(seed, accounts=5, identity_center=True, **given) as sandbox:
        truth = sandbox.truth(sources=["identity_center"])
        assert lines(crawl(sandbox, name)) == lines(truth)
        assert {"assigned", "member_of", "instance_of", "provisioned_to", "bounded_by"} <= {x["kind"] for x in truth}
        assert any(line.get("source_kind") == "external_principal" for line in truth)
        assert "arn:aws:" not in repr(truth) or partition == "aws"
        sandbox.identity_center({"show_status": False})
        statuses = {
            x["attributes"]["status"] for x in sandbox.truth(sources=["identity_center"]) if "status" in x["attributes"]
        }
        assert statuses == {"unknown"}
        assert "UserStatus" not in repr(store(sandbox, name).list_users(IdentityStoreId=_store(sandbox)))
        assert sandbox.violations() == []


def _store(sandbox: Sandbox) -> str:
    return str(sandbox.facts["identity_center"]["instances"][0]["identity_store_id"])


def test_every_provisioned_pair_is_a_role_of_its_account() -> None:
    with start(4, accounts=4, calm=True, identity_center=True, directory=FEW, **SIZES) as sandbox:
        truth = sandbox.truth(sources=["organization", "iam", "identity_center"])
        made = [line for line in truth if line["kind"] == "realized_as"]
        assert len(made) == len([line for line in truth if line["kind"] == "provisioned_permission_set"]) > 3
        names = {x["native_id"]: x["name"] for x in truth if x["kind"] == "permission_set"}
        roles = {x["native_id"]: x for x in truth if x["kind"] == "iam_role"}
        for line in made:
            account, _, arn = line["source"].partition("/")
            pattern = (
                f"arn:aws:iam::{account}:role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_{re.escape(names[arn])}"
            )
            assert re.fullmatch(f"{pattern}_[0-9a-f]{{16}}", line["target"])
            role = roles[line["target"]]
            assert role["attributes"]["role_class"] == "sso_reserved"
            shown = admin_of(sandbox, account).get_role(RoleName=role["name"])["Role"]
            assert (shown["Arn"], shown["RoleId"]) == (role["native_id"], role["attributes"]["unique_id"])


def test_an_account_that_is_not_read_realizes_nothing() -> None:
    with start(4, accounts=4, calm=True, identity_center=True, directory=FEW, **SIZES) as sandbox:
        sources = ["organization", "iam", "identity_center"]
        truth = sandbox.truth(sources=sources, accounts=[], without=["iam_policy", "identity_user.emails"])
        kinds = {line["kind"] for line in truth}
        assert "provisioned_permission_set" in kinds
        assert not kinds & {"realized_as", "iam_role", "iam_policy"}
        assert all("emails" not in line["attributes"] for line in truth)


@pytest.mark.parametrize("kind", ["account", "several", "none"])
def test_other_instances(kind: str) -> None:
    with start(5, accounts=3, identity_center=kind, directory=FEW, **SIZES) as sandbox:
        truth = sandbox.truth(sources=["identity_center"])
        found = sso(sandbox).list_instances()["Instances"]
        assert len(found) == {"account": 1, "several": 2, "none": 0}[kind]
        if found:
            assert lines(crawl(sandbox, "organization")) == lines(truth)
        kinds = {line["kind"] for line in truth}
        assert kinds >= {"permission_set"} if kind == "several" else not kinds & {"permission_set", "assigned"}
        assert bool(kinds) == bool(found)


def test_one_account_may_have_an_instance_of_its_own() -> None:
    with start(6, identity_center="account", directory=FEW, **SIZES) as sandbox:
        given = assume(sandbox)
        found = CenterCrawl(client(sandbox, "sso-admin", given), client(sandbox, "identitystore", given), []).run()
        assert lines(found) == lines(sandbox.truth(sources=["identity_center"]))


@pytest.mark.parametrize("seed", [1, 2])
def test_credentials_are_the_truth(seed: int) -> None:
    with start(seed, credentials=True, users=14, groups=2, roles=6) as sandbox:
        found, facets = credentials_of(client(sandbox, "iam", assume(sandbox)), sandbox.account)
        truth = sandbox.truth(sources=["credentials"])
        assert lines(found) == lines(truth)
        assert {"Active", "Inactive"} >= {x["attributes"]["status"] for x in truth if x["kind"] == "access_key"}
        users = [x for x in sandbox.truth(sources=["iam", "credentials"]) if x["kind"] == "iam_user"]
        said = {x["native_id"]: x["attributes"] for x in users if not x["attributes"]["is_root"]}
        assert {arn: {name: said[arn][name] for name in facet} for arn, facet in facets.items()} == facets
        assert len(users) == len(said) + 1 == len(facets) + 1
        assert {True, False} == {facet["console_access"] for facet in facets.values()}
        unread = sandbox.control("GET", "truth/unread?sources=iam,credentials")
        assert not [name for name in unread if name.startswith("iam_user.")]


def test_credentials_of_an_organization_are_read_in_every_account() -> None:
    with start(3, accounts=3, calm=True, credentials=True, **SIZES) as sandbox:
        accounts = [row["id"] for row in sandbox.organization()["accounts"]]
        found = [line for each in accounts for line in credentials_of(admin_of(sandbox, each), each)[0]]
        assert lines(found) == lines(sandbox.truth(sources=["credentials"]))


def test_without_being_asked_for_nothing_is_there() -> None:
    with start(1, accounts=2, **SIZES) as sandbox:
        assert "identity_center" not in sandbox.facts
        assert sandbox.truth() == sandbox.truth(sources=["organization", "iam"])
        assert sandbox.truth(sources=["identity_center"]) == []
        with refused("501", status=501):  # a service that is not there has no dialect of its own to refuse in
            boss(sandbox).list_instances()
        with refused("NotImplemented", status=501):
            admin(sandbox).list_access_keys()
        assert sandbox.violations() == ["service sso", "iam.ListAccessKeys: iam.ListAccessKeys is not simulated"]
