"""Statements about facets. ``$1`` is the tenant."""

from typing import Final

# What resources are called that a facet is about.
OWNERS: Final = "SELECT id, name FROM live_node WHERE tenant_id = $1 AND id = ANY($2::uuid[])"

# The facets of some resources, in the order in which they are merged.
FACETS: Final = """
SELECT name, attributes FROM live_facet WHERE tenant_id = $1 AND name = ANY($2::text[]) ORDER BY native_id"""

# Those that one scope tells.
OF_SCOPE: Final = """
SELECT id, kind, account, native_id, name, attributes, hash, lineage FROM node
WHERE tenant_id = $1 AND scope_id = $2 AND kind = 16 ORDER BY native_id"""
