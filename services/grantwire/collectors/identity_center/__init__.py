"""Identity Center: its directory, its permission sets, and who is assigned to which of them in which account."""
