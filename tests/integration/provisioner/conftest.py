"""A migrated database for each test."""

from tests.integration.relay.conftest import database_url, graph, postgres_server, template_url

__all__ = ["database_url", "graph", "postgres_server", "template_url"]
