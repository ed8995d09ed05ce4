"""The IAM of one account: users, groups, roles, policies and who may assume what."""
