"""One organization: its root, its units and its accounts."""
