"""The credentials of one account: access keys, console passwords, MFA, and the root user."""
