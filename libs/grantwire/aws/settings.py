"""How patient and how parallel AWS calls are: as values, and as a process is told from outside."""

from dataclasses import dataclass

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


@dataclass(frozen=True, slots=True)
class AwsSettings:
    """Timeouts in seconds. ``attempts`` counts the first try. ``region`` overrides the one AWS's own variables give."""

    connect_timeout: float = 5.0
    read_timeout: float = 20.0
    attempts: int = 3
    concurrency: int = 8
    region: str | None = None


class AwsVariables(BaseSettings):
    """What every process that calls AWS is told: timeouts in seconds; AWS's own variables say the rest."""

    model_config = SettingsConfigDict(env_prefix="GRANTWIRE_", frozen=True, populate_by_name=True)
    aws_connect_timeout: float = Field(default=5.0, gt=0)
    aws_read_timeout: float = Field(default=20.0, gt=0)
    aws_attempts: int = Field(default=3, ge=1)
    aws_concurrency: int = Field(default=8, ge=1)  # AWS calls at the same time
    aws_region: str | None = Field(default=None, validation_alias="AWS_REGION")

    def aws(self) -> AwsSettings:
        return AwsSettings(
            self.aws_connect_timeout, self.aws_read_timeout, self.aws_attempts, self.aws_concurrency, self.aws_region
        )
