"""The untidiness of real accounts: extreme names, hostile texts, odd paths, documents of every size.

AWS's own rules bound what is planted where they bound it: names are `[\\w+=,.@-]`, paths printable ASCII, documents at
most 6,144 characters (managed) or 2,048 / 5,120 / 10,240 (inline of user / group / role). Tag values go beyond what AWS
accepts today, because a reader must stand anything that XML can carry. Standard library only.
"""

from __future__ import annotations

import json
import random
from typing import Any

USER_NAMES = (
    "a.b@c,d=e+f-g_h",
    "ada.lovelace@example.com",
    "U" * 64,
    "=cmd",
    "+1-555-0100",
    "-rf",
    "@SUM",
    "..",
    "null",
    "O_or_1=1,--",
    "42",
    "Root",
)
GROUP_NAMES = ("admins", "G" * 128, "=HYPERLINK", "-", "no.one@here", "ADMINS-eu")
POLICY_NAMES = ("deploy", "P" * 128, "=1+1", "read-only,really", "break@glass")
PATHS = (
    "/",
    "/",
    "/",
    "/engineering/",
    "/division_abc/subdivision_xyz/product_A/team-7/",
    "/<script>alert(1)</script>/",
    "/=cmd|'calc'!A0/",
    "/*/>/./",
    "/';DROP_TABLE_users;--/",
    "/a//b/",
    "/%2F..%2F..%2Fetc/",
    '/~!@#$^&()[]{}|\\`"?:,/',
)
POLICY_PATHS = ("/", "/", "/teams/", "/a.b/c=d/e+f@g_h,i-j/")
DESCRIPTIONS = (
    "",
    "",
    "Deploys the payment service",
    "Überprüft die Rechnungen (§ 14) - täglich",
    '=HYPERLINK("http://evil.example","click")',
    "<img src=x onerror=alert(1)>",
    "line one\nline two\ttabbed",
    "D" * 1000,
)
TAG_VALUES = (
    "",
    "payments",
    "<script>alert('tag')</script>",
    "=cmd()|'/c calc'!A0",
    "@SUM(1+1)",
    "\u009b31mred\u009b0m",  # CSI of C1: the escape that XML can carry
    "\u202egnp.exe",  # right-to-left override
    "'; DROP TABLE users; --",
    "MATCH (n) DETACH DELETE n",
    "мария Ångström 部署 🚀",
    "مرحبا",
    "v" * 256,
    " leading and trailing ",
    "grantwire.*.>",
    "null",
)
TAG_KEYS = ("team", "cost-center", "Owner", "data:class", "Name", "éta.ge", "a/b+c=d@e", "k" * 128)
EMAIL_KEYS = ("email", "Email", "EMAIL")


def tags(rng: random.Random, name: str) -> tuple[tuple[str, str], ...]:
    """A few tags; a third of the entities have one that gives an e-mail address, in some letter case."""
    keys = rng.sample(TAG_KEYS, rng.choice((0, 1, 2, 2, 5)))
    found = [(key, rng.choice(TAG_VALUES)) for key in keys]
    if rng.random() < 0.33:
        # The address may repeat the user's name in another letter case.
        address = name.upper() if "@" in name and rng.random() < 0.5 else f"{rng.choice('abcdef')}@example.org"
        found.append((rng.choice(EMAIL_KEYS), address))
    return tuple(found)


def policy_document(rng: random.Random, most: int) -> str:
    """The JSON text of an identity policy, now and then close to `most` characters."""
    count = most // 140 if rng.random() < 0.05 else rng.randint(1, 3)
    statements = [_statement(rng, number) for number in range(count)]
    while len(text := _text(rng, statements)) > most and len(statements) > 1:
        del statements[len(statements) * 9 // 10 :]
    return text


def _statement(rng: random.Random, number: int) -> dict[str, Any]:
    actions = rng.sample(("s3:GetObject", "s3:*", "ec2:Describe*", "IAM:passrole", "kms:Decrypt", "logs:*"), 2)
    statement: dict[str, Any] = {"Sid": f"S{number}", "Effect": rng.choice(("Allow", "Allow", "Deny"))}
    statement["NotAction" if rng.random() < 0.1 else "Action"] = rng.choice((actions, actions[0]))
    statement["NotResource" if rng.random() < 0.1 else "Resource"] = rng.choice(
        ("*", ["arn:aws:s3:::acme-logs/*", "arn:aws:s3:::acme-logs"], "arn:aws:s3:::${aws:username}/é<b>")
    )
    if rng.random() < 0.2:
        statement["Condition"] = {"StringLike": {"aws:PrincipalTag/team": rng.choice(("pay*", "\x1b[31m", "=1+1"))}}
    return statement


def _text(rng: random.Random, statements: list[dict[str, Any]]) -> str:
    policy = {"Version": "2012-10-17", "Statement": statements if len(statements) > 1 else statements[0]}
    return json.dumps(policy, indent=rng.choice((None, None, 1)))


def unstorable() -> tuple[str, dict[str, Any]]:
    """A document with a NUL and a lone surrogate, and how the export must show it: U+FFFD in their place."""
    text = (
        '{"Version":"2012-10-17","Statement":{"Sid":"Odd","Effect":"Deny","Action":"s3:*",'
        '"Resource":"arn:aws:s3:::nul\\u0000and\\ud800"}}'
    )
    shown = {
        "Version": "2012-10-17",
        "Statement": {
            "Sid": "Odd",
            "Effect": "Deny",
            "Action": "s3:*",
            "Resource": "arn:aws:s3:::nul\ufffdand\ufffd",
        },
    }
    return text, shown
