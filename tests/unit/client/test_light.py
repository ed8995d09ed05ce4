"""What another team installs brings no service, no server and no second telemetry with it."""

import subprocess
import sys

HEAVY = ("faststream", "boto3", "botocore", "asyncpg", "sqlalchemy", "structlog", "pydantic_settings", "fastapi")


def test_importing_the_client_loads_nats_pydantic_and_the_api_of_opentelemetry() -> None:
    looked = (
        f"import sys, grantwire.client; print([m for m in ({HEAVY!r} + ('opentelemetry.sdk',)) if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", looked], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
