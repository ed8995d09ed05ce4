"""Postgres: tables, migrations, snapshot apply, queries, change log, outbox. SQL lives only here."""

from grantwire.graph.apply import Applied, apply_seal, chunks_gone
from grantwire.graph.pool import Graph

__all__ = ["Applied", "Graph", "apply_seal", "chunks_gone"]
