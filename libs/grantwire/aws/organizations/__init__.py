"""Organizations: the tree of units and accounts, read whole or not at all."""
