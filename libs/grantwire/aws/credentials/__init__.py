"""Access keys, console passwords and MFA of one account: the credential report, and the small calls beside it."""
