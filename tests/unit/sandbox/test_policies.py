"""Verdicts of identity policies and their conditions, a case a line."""

from __future__ import annotations

import json
from typing import Any

import pytest

from grantwire.sandbox.access.conditions import holds, like
from grantwire.sandbox.access.policies import Ask, Verdict, verdict
from grantwire.sandbox.wire.services import Unsupported

USER = "arn:aws:iam::111122223333:user/team/ada"


def say(**statement: Any) -> str:
    return json.dumps({"Statement": statement})


@pytest.mark.parametrize(
    ("documents", "expected"),
    [
        ([], Verdict.SILENT),
        ([say(Effect="Allow", Action="*", Resource="*")], Verdict.ALLOW),
        ([say(Effect="Allow", Action="IAM:getuser", Resource="*")], Verdict.ALLOW),  # no letter case
        ([say(Effect="Allow", Action=["s3:*", "iam:Get*"], Resource=[USER])], Verdict.ALLOW),
        ([say(Effect="Allow", Action="iam:Ge?User", Resource="arn:aws:iam::*:user/*")], Verdict.ALLOW),
        ([say(Effect="Allow", Action="iam:GetUser", Resource="arn:aws:iam::111122223333:user/ada")], Verdict.SILENT),
        ([say(Effect="Allow", NotAction="s3:*", Resource="*")], Verdict.ALLOW),
        ([say(Effect="Allow", NotAction="iam:*", Resource="*")], Verdict.SILENT),
        ([say(Effect="Allow", Action="*", NotResource="arn:aws:iam::*:user/team/*")], Verdict.SILENT),
        (
            [
                say(Effect="Allow", Action="*", Resource="*"),
                say(Effect="Deny", Action="iam:*", Resource="*"),
            ],
            Verdict.DENY,
        ),
        (
            [
                say(Effect="Allow", Action="*", Resource="*"),
                say(Effect="Deny", Action="*", Resource="*", Condition={"Bool": {"aws:SecureTransport": "false"}}),
            ],
            Verdict.ALLOW,  # the condition does not hold: its key is missing
        ),
    ],
)
def test_verdict(documents: list[str], expected: Verdict) -> None:
    assert verdict(documents, Ask("iam:GetUser", USER, {})) is expected


CONTEXT = {"aws:PrincipalArn": USER, "sts:ExternalId": "Secret-1", "aws:MultiFactorAuthPresent": "true"}


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ({"StringEquals": {"sts:ExternalId": "Secret-1"}}, True),
        ({"StringEquals": {"STS:externalid": ["other", "Secret-1"]}}, True),  # keys have no letter case
        ({"StringEquals": {"sts:ExternalId": "secret-1"}}, False),
        ({"StringEqualsIgnoreCase": {"sts:ExternalId": "secret-1"}}, True),
        ({"StringNotEquals": {"sts:ExternalId": ["a", "Secret-1"]}}, False),
        ({"StringNotEquals": {"missing": "x"}}, True),  # a negated operator passes without the key
        ({"StringLike": {"sts:ExternalId": "Sec*-?"}}, True),
        ({"StringNotLike": {"sts:ExternalId": "Sec*"}}, False),
        ({"StringEquals": {"missing": "x"}}, False),
        ({"StringEqualsIfExists": {"missing": "x"}}, True),
        ({"StringEqualsIfExists": {"sts:ExternalId": "x"}}, False),
        ({"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:user/*"}}, True),
        ({"ArnEquals": {"aws:PrincipalArn": "arn:aws:iam::999999999999:user/*"}}, False),
        ({"ArnNotLike": {"aws:PrincipalArn": "arn:*"}}, True),  # a wildcard does not reach over a colon
        ({"Bool": {"aws:MultiFactorAuthPresent": "true"}}, True),
        ({"Bool": {"aws:MultiFactorAuthPresent": True}}, True),
        ({"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}}, False),
        ({"Null": {"missing": "true", "sts:ExternalId": "false"}}, True),
        ({"Bool": {"aws:MultiFactorAuthPresent": "true"}, "StringEquals": {"sts:ExternalId": "x"}}, False),
    ],
)
def test_condition(condition: dict[str, Any], expected: bool) -> None:
    assert holds(condition, CONTEXT) is expected


@pytest.mark.parametrize("operator", ["IpAddress", "DateLessThan", "ForAnyValue:StringLike", "StringSounds"])
def test_an_operator_that_is_not_known_is_refused_loudly(operator: str) -> None:
    with pytest.raises(Unsupported, match=operator):
        holds({operator: {"aws:SourceIp": "10.0.0.0/8"}}, CONTEXT)


def test_wildcards_take_everything_else_literally() -> None:
    assert like("a.b*[c]", "a.b\n[c]")
    assert not like("a.b", "axb")
