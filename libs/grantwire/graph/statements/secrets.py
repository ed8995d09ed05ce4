"""Statements about stored settings, for the secrets in them. ``$1`` is the tenant, ``$2`` the connector."""

from typing import Final

# Those that were removed too: their settings by version stay.
CONNECTORS: Final = """
SELECT id FROM connector WHERE tenant_id = $1
UNION SELECT connector FROM connector_version WHERE tenant_id = $1 ORDER BY 1"""

# The settings of now have no version here: they are stored a second time, beside their version's.
SETTINGS: Final = """
SELECT NULL::integer AS version, settings FROM connector WHERE tenant_id = $1 AND id = $2
UNION ALL SELECT version, settings FROM connector_version WHERE tenant_id = $1 AND connector = $2"""

RESEAL: Final = "UPDATE connector SET settings = $3 WHERE tenant_id = $1 AND id = $2"

RESEAL_VERSION: Final = """
UPDATE connector_version SET settings = $4 WHERE tenant_id = $1 AND connector = $2 AND version = $3"""
