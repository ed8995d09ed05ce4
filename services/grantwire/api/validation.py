"""The validation door: the one place where the api asks AWS, to tell a person at once whether a connector works."""

from grantwire.aws.validate import check_connector
from grantwire.contracts.connectors import Connector
from grantwire.contracts.ids import AccountId


async def ask_aws(connector: Connector) -> AccountId:
    """The account the connector reads. Raises ``AwsError`` with the sentence to show."""
    return AccountId((await check_connector(connector)).account)
