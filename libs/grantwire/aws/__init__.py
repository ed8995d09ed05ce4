"""AWS: sessions, typed readers, and one table of what its failures mean. The only importer of boto3."""

from grantwire.aws.budgets import Budgets
from grantwire.aws.calls import Calls, Tally, current_tally, tallying
from grantwire.aws.checks import Check, run_checks
from grantwire.aws.entry import Identity
from grantwire.aws.identity_center.discovery import find_identity_center
from grantwire.aws.last_look import behind, leaving
from grantwire.aws.permissions import (
    CREDENTIALS,
    IAM_ALIASES,
    IAM_ALL,
    IAM_BULK,
    IAM_MINIMUM,
    IDENTITY_CENTER,
    IDENTITY_CENTER_FINDING,
    IDENTITY_CENTER_MINIMUM,
    IDENTITY_CENTER_OPTIONAL,
    ORGANIZATION,
    PROVISIONING,
    OperationKind,
    child_roles,
    policy,
)
from grantwire.aws.provisioning import ProvisioningSessions, operation_kind
from grantwire.aws.session import AwsSession
from grantwire.aws.sessions import Sessions
from grantwire.aws.settings import AwsSettings, AwsVariables
from grantwire.aws.setup import Setup, setup_of
from grantwire.aws.validate import Checked, ambient_identity, check_connector

__all__ = [
    "CREDENTIALS",
    "IAM_ALIASES",
    "IAM_ALL",
    "IAM_BULK",
    "IAM_MINIMUM",
    "IDENTITY_CENTER",
    "IDENTITY_CENTER_FINDING",
    "IDENTITY_CENTER_MINIMUM",
    "IDENTITY_CENTER_OPTIONAL",
    "ORGANIZATION",
    "PROVISIONING",
    "AwsSession",
    "AwsSettings",
    "AwsVariables",
    "Budgets",
    "Calls",
    "Check",
    "Checked",
    "Identity",
    "OperationKind",
    "ProvisioningSessions",
    "Sessions",
    "Setup",
    "Tally",
    "ambient_identity",
    "behind",
    "check_connector",
    "child_roles",
    "current_tally",
    "find_identity_center",
    "leaving",
    "operation_kind",
    "policy",
    "run_checks",
    "setup_of",
    "tallying",
]
