"""The api's door to AWS: do a connector's settings let us in?"""

from grantwire.aws.calls import Calls
from grantwire.aws.entry import Identity
from grantwire.aws.permissions import IAM_ALL
from grantwire.aws.session import AwsSession
from grantwire.aws.settings import AwsSettings
from grantwire.contracts.connectors import Connector


async def check_connector(connector: Connector, settings: AwsSettings | None = None) -> Identity:
    """Enter the account as the connector would, with one AssumeRole (or GetCallerIdentity without a role).

    Raises ``AwsError`` with the sentence to show. It does not prove that the role may read IAM: the first sync does.
    """
    calls = Calls(concurrency=1)
    try:
        return await AwsSession(connector, IAM_ALL, settings or AwsSettings(), calls).identity()
    finally:
        calls.close()
