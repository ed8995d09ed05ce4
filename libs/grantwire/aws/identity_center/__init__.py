"""Identity Center: its directory, permission sets and who is assigned where, each list read whole or not at all."""
