"""The planner of credentials: keys of every age, passwords, MFA devices, and the root user. Standard library only."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace

from grantwire.sandbox import ids
from grantwire.sandbox.facts import AccessKey, Device, Login, Root, Row, User
from grantwire.sandbox.plan import AccountPlan

_NOW = 1_735_689_600  # nothing planned is younger than 2025
_DAY = 86_400
_USES = (("s3", "eu-west-1"), ("sts", "us-east-1"), ("iam", "us-east-1"), ("N/A", "N/A"))


def with_credentials(account: AccountPlan, seed: int) -> AccountPlan:
    """The account with the credentials of its users; its administrator keeps the one key there is."""
    users = [row for row in account.rows if isinstance(row, User)]
    made = [_root(account.account, seed)]
    for index, user in enumerate(users):
        rng = random.Random(f"{seed}:{account.account}:credentials:{index}")  # noqa: S311  repeatable on purpose
        made += _keys(rng, user, seed) if index else ()
        made += _password(rng, user, account.account)
    return replace(account, rows=account.rows + tuple(made))


def _root(account: str, seed: int) -> Row:
    rng = random.Random(f"{seed}:{account}:root")  # noqa: S311  repeatable on purpose
    made = rng.randint(1_300_000_000, 1_420_000_000)
    used = made + rng.randint(1, 3_000) * _DAY if rng.random() < 0.5 else None
    return Root(account, made, used, rng.random() < 0.7, made + _DAY if rng.random() < 0.2 else None)


def _keys(rng: random.Random, user: User, seed: int) -> Iterator[AccessKey]:
    """One key for most, two for some, none for some: a fifth inactive, a third never used."""
    for number in range(rng.choice((1, 1, 1, 1, 1, 1, 1, 1, 0, 2))):
        made = rng.randint(user.created_at, max(user.created_at, _NOW))
        used = made + rng.randint(0, 300) * _DAY if rng.random() < 0.67 else None
        service, region = rng.choice(_USES) if used is not None else (None, None)
        yield AccessKey(
            ids.unique_id("AKIA", seed, user.unique_id, number),
            ids.secret(seed, user.unique_id, number),
            user.unique_id,
            rng.random() < 0.8,
            made,
            used,
            service,
            region,
        )


def _password(rng: random.Random, user: User, account: str) -> Iterator[Login | Device]:
    if user.password_last_used is None and rng.random() < 0.8:
        return
    changed = rng.randint(user.created_at, max(user.created_at, _NOW))
    yield Login(user.unique_id, changed, changed + 90 * _DAY if rng.random() < 0.3 else None)
    if rng.random() < 0.6:
        yield Device(user.unique_id, f"arn:aws:iam::{account}:mfa/{user.name}", changed)
