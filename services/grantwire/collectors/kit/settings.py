"""What every collector process is told from outside."""

from pydantic_settings import SettingsConfigDict

from grantwire.aws import AwsVariables
from grantwire.bus import BusSettings
from grantwire.graph.settings import KeySettings, PaceSettings


class CollectorSettings(KeySettings, PaceSettings, BusSettings, AwsVariables):
    """Servers, keys, rates, and how AWS is called."""

    model_config = SettingsConfigDict(env_prefix="GRANTWIRE_", frozen=True, populate_by_name=True)
    database_url: str
