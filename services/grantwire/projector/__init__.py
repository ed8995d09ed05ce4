"""The projector: sealed snapshots into the access graph."""
