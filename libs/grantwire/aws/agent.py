"""Who asks, as AWS's logs show it."""

from typing import Any

from botocore.config import Config
from botocore.session import Session
from botocore.useragent import UserAgentString


def user_agent(core: Session) -> str:
    """What botocore says of itself and its surroundings. It would put this together anew, twice for each request:
    measured, an eighth of what a call computes."""
    asked = UserAgentString.from_environment().set_session_config(core.user_agent_name, core.user_agent_version, "")
    named: dict[str, Any] = {"user_agent_appid": core.get_config_variable("user_agent_appid")}
    return str(asked.with_client_config(Config(**named)).to_string())
