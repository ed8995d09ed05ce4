"""Of which accounts the credentials are read, and why not of the others. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from grantwire.contracts.ids import AccountId, credentials_scope, iam_scope


@dataclass(frozen=True, slots=True)
class Asked:
    """What a connector was told about reading credentials. ``account`` is its own, None while it is a draft."""

    id: str
    account: str | None
    sync_secrets: bool
    child_iam: bool


def unread_accounts(scopes: Mapping[str, tuple[str, str | None]], connectors: Iterable[Asked]) -> dict[str, str]:
    """The accounts under management whose credentials no scope holds, each with a sentence that says why.

    ``scopes`` are those that count: connector and account by key. An account that a filter leaves out has none, and is
    not under management.
    """
    asked = {each.id: each for each in connectors}
    reader = {account: connector for connector, account in scopes.values() if account}
    reader |= {each.account: each.id for each in asked.values() if each.account and each.account not in reader}
    # The connector that reads an account's IAM would read its credentials too.
    reader |= {account: found[0] for account in reader if (found := scopes.get(iam_scope(AccountId(account))))}
    return {
        account: _why(account, asked.get(connector))
        for account, connector in sorted(reader.items())
        if credentials_scope(AccountId(account)) not in scopes
    }


def _why(account: str, connector: Asked | None) -> str:
    if connector is None:
        return f"No connector reads account {account} any more."
    if not connector.sync_secrets:
        return f"The setting sync_secrets of connector {connector.id!r} is off."
    if not connector.child_iam and account != connector.account:
        return f"The setting child_iam of connector {connector.id!r} is off, which leaves account {account} out."
    return f"Not read yet: `grantwire sync {connector.id}` asks for it."
