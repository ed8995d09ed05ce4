"""What the provisioner is told from outside."""

from pathlib import Path

import yaml
from pydantic import Field
from pydantic_settings import SettingsConfigDict

from grantwire.aws import AwsVariables
from grantwire.bus import BusSettings
from grantwire.contracts.failures import Invalid
from grantwire.graph.settings import KeySettings, PaceSettings
from grantwire.provisioner.decisions import Patience
from grantwire.provisioner.rules import Rules


class ProvisionerSettings(KeySettings, PaceSettings, BusSettings, AwsVariables):
    """Seconds, where nothing else is said."""

    model_config = SettingsConfigDict(env_prefix="GRANTWIRE_", frozen=True, populate_by_name=True)
    database_url: str
    rules_file: Path | None = None
    provisioner_lanes: int = Field(default=8, ge=1, le=32)  # commands carried out at the same time
    provisioner_claim: float = Field(default=30.0, ge=3)  # until another engine takes up what one has left
    provisioner_observe: float = Field(default=60.0, gt=0)  # AWS may show the old state so long after a write
    provisioner_unsure: float = Field(default=30.0, gt=0)  # a write whose answer was lost is sent again after so long
    provisioner_park: float = Field(default=600.0, gt=0)
    provisioner_late: float = Field(default=120.0, gt=0)

    def patience(self) -> Patience:
        return Patience(
            observe=self.provisioner_observe,
            unsure=self.provisioner_unsure,
            park=self.provisioner_park,
            late=self.provisioner_late,
        )

    def rules(self) -> Rules:
        """Raises ``Invalid`` for a file that cannot be read."""
        if self.rules_file is None:
            return Rules(given=False)
        try:
            content = yaml.safe_load(self.rules_file.read_text())
        except (OSError, yaml.YAMLError) as error:
            raise Invalid(f"The rules in {self.rules_file} cannot be read: {error}.", "rules_file") from error
        return Rules.parse(content, str(self.rules_file))
