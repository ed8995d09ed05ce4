"""AWS: sessions, typed readers, and one table of what its failures mean. The only importer of boto3."""

from grantwire.aws.calls import Calls, Tally, tallying
from grantwire.aws.entry import Identity
from grantwire.aws.permissions import IAM_ALL, IAM_BULK, IAM_MINIMUM, policy
from grantwire.aws.session import AwsSession
from grantwire.aws.settings import AwsSettings
from grantwire.aws.validate import check_connector

__all__ = [
    "IAM_ALL",
    "IAM_BULK",
    "IAM_MINIMUM",
    "AwsSession",
    "AwsSettings",
    "Calls",
    "Identity",
    "Tally",
    "check_connector",
    "policy",
    "tallying",
]
