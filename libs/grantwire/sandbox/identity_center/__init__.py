"""IAM Identity Center: instances, their directories, permission sets, and who is assigned where."""
