"""The settings of a connector as options of a command: the same for adding, changing and trying out."""

import inspect
from collections.abc import Callable, Mapping
from functools import wraps
from pathlib import Path
from typing import Annotated, Any, Final, TypeAlias

import typer

from grantwire.cli.exits import Exit, Stop

Text: TypeAlias = str | None
Many: TypeAlias = list[str] | None
Switch: TypeAlias = bool | None


ROLE, ORGANIZATION, READ, SCIM = "Its role", "Its organization", "What is read", "Identity Center and SCIM"


def _option(kind: Any, panel: str, help: str, *names: str) -> Any:
    return Annotated[kind, typer.Option(*names, help=help, rich_help_panel=panel, show_default=False)]


def _switch(panel: str, help: str, name: str) -> Any:
    return _option(Switch, panel, help, f"--{name}/--no-{name}")


# By the name of the setting, in the order in which --help shows them.
SETTINGS: Final[Mapping[str, Any]] = {
    "name": _option(Text, ROLE, "A longer name."),
    "role_arn": _option(Text, ROLE, "The role to assume."),
    "external_id": _option(Text, ROLE, "The external id that its trust policy asks for."),
    "operator_role_arn": _option(Text, ROLE, "A role of yours that assumes it: its trust policy names this one."),
    "operator_external_id": _option(Text, ROLE, "The external id that the operator role asks for."),
    "interval": _option(Text, ROLE, "How often to sync, such as 15m."),
    "organizations": _switch(READ, "The whole organization of the role's account.", "organizations"),
    "child_iam": _switch(READ, "The IAM of its other accounts; on by default.", "child-iam"),
    "identity_center": _switch(READ, "IAM Identity Center.", "identity-center"),
    "sync_secrets": _switch(READ, "Access keys, and who signs in how.", "sync-secrets"),
    "scim": _switch(READ, "Identity Center's SCIM endpoint.", "scim"),
    "last_login": _switch(READ, "Nothing acts on it yet.", "last-login"),
    "provisioning": _switch(READ, "Carry out commands there, as far as rules allow.", "provisioning"),
    "child_role_name": _option(Text, ORGANIZATION, "The role to assume in each other account."),
    "child_external_id": _option(Text, ORGANIZATION, "The external id that the child roles ask for."),
    "account_role": _option(Many, ORGANIZATION, "Another child role in one account: ACCOUNT=ROLE_NAME; repeatable."),
    "include_account": _option(Many, ORGANIZATION, "Only this account; repeatable."),
    "exclude_account": _option(Many, ORGANIZATION, "Not this account; repeatable."),
    "include_ou": _option(Many, ORGANIZATION, "Only what is below this unit; repeatable."),
    "exclude_ou": _option(Many, ORGANIZATION, "Nothing below this unit; repeatable."),
    "identity_center_region": _option(Text, SCIM, "Identity Center's region, where it is not the ambient one."),
    "scim_endpoint": _option(Text, SCIM, "The SCIM endpoint, as Identity Center shows it."),
    "scim_token_file": _option(Path | None, SCIM, "A file with its access token; - is standard input."),
}
_PLURAL: Final = {f"{how}_{what}": f"{how}_{what}s" for how in ("include", "exclude") for what in ("account", "ou")}


def with_settings(command: Callable[..., None]) -> Callable[..., None]:
    """The command with an option for every setting; it gets those that were used as its parameter ``settings``."""
    own = [each for each in inspect.signature(command).parameters.values() if each.name != "settings"]
    added = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation)
        for name, annotation in SETTINGS.items()
    ]
    parameters = [each.replace(kind=inspect.Parameter.KEYWORD_ONLY) for each in own]

    @wraps(command)
    def wrapped(**given: Any) -> None:
        command(settings=settings_of(given), **{each.name: given[each.name] for each in own})

    wrapped.__signature__ = inspect.Signature([*parameters, *added])  # type: ignore[attr-defined]
    wrapped.__annotations__ = {each.name: each.annotation for each in (*parameters, *added)}
    return wrapped


def settings_of(given: Mapping[str, Any]) -> dict[str, Any]:
    """The settings that options name, as the api takes them. Raises ``Stop``."""
    found = {name: given[name] for name in SETTINGS if given.get(name) not in (None, [])}
    if roles := found.pop("account_role", None):
        found["account_overrides"] = dict(map(_override, roles))
    if path := found.pop("scim_token_file", None):
        found["scim_token"] = _read(path)
    return {_PLURAL.get(name, name): value for name, value in found.items()}


def _override(text: str) -> tuple[str, dict[str, str]]:
    account, divided, role = text.partition("=")
    if not divided:
        step = "Write ACCOUNT=ROLE_NAME, such as --account-role 210987654321=LegacyAudit."
        raise Stop(Exit.USAGE, f"--account-role {text!r} names no role.", step)
    return account, {"role_name": role}


def _read(path: Path) -> str:
    try:
        return (typer.get_text_stream("stdin").read() if str(path) == "-" else path.read_text()).strip()
    except (OSError, UnicodeDecodeError) as error:
        said = getattr(error, "strerror", None) or "it is not text"
        raise Stop(
            Exit.USAGE, f"The token file {path} cannot be read: {said}.", "Name a file with the token."
        ) from error
