"""Access keys, console passwords and MFA devices: planned, reported, told as truth."""
