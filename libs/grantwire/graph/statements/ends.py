"""Statements that say which connector is asked to change something. ``$1`` is the tenant."""

from typing import Final

CONNECTORS_OF_ACCOUNT: Final = """
SELECT DISTINCT connector FROM scope WHERE tenant_id = $1 AND account = $2 AND retired_at IS NULL ORDER BY connector"""

CONNECTORS_OF_NODE: Final = """
SELECT DISTINCT s.connector FROM node n JOIN scope s ON s.tenant_id = n.tenant_id AND s.id = n.scope_id
WHERE n.tenant_id = $1 AND n.id = $2 AND s.retired_at IS NULL ORDER BY s.connector"""
