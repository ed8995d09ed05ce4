"""Postgres: tables, migrations, snapshot apply, queries, change log, outbox. SQL lives only here."""

from grantwire.graph.apply import Applied, apply_seal
from grantwire.graph.pool import Graph

__all__ = ["Applied", "Graph", "apply_seal"]
