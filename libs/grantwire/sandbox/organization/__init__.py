"""A whole organization: its plan, its tree as it is now, and its truth."""
