"""What every collector process is told from outside."""

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from grantwire.aws import AwsSettings
from grantwire.bus import BusSettings
from grantwire.graph.budgets import Pace
from grantwire.graph.settings import KeySettings


class CollectorSettings(KeySettings, BusSettings):
    """Timeouts in seconds; AWS's own variables say the rest."""

    model_config = SettingsConfigDict(env_prefix="GRANTWIRE_", frozen=True, populate_by_name=True)
    database_url: str
    aws_connect_timeout: float = Field(default=5.0, gt=0)
    aws_read_timeout: float = Field(default=20.0, gt=0)
    aws_attempts: int = Field(default=3, ge=1)
    aws_concurrency: int = Field(default=8, ge=1)  # AWS calls at the same time
    iam_rate: float = Field(default=20.0, ge=0)  # calls a second to the IAM of one account; 0: as many as there are
    organizations_rate: float = Field(default=20.0, ge=0)  # calls a second to Organizations; 0: likewise
    identity_center_rate: float = Field(default=20.0, ge=0)  # calls a second to one Identity Center; AWS allows 20
    aws_region: str | None = Field(default=None, validation_alias="AWS_REGION")

    def aws(self) -> AwsSettings:
        return AwsSettings(
            self.aws_connect_timeout, self.aws_read_timeout, self.aws_attempts, self.aws_concurrency, self.aws_region
        )

    def paces(self) -> dict[str, Pace]:
        """How fast each API family may be asked, all collectors together."""
        return {
            "iam": Pace.of(self.iam_rate),
            "organizations": Pace.of(self.organizations_rate),
            "identity-center": Pace.of(self.identity_center_rate),
        }
