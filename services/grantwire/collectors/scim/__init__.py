"""What the SCIM endpoint of IAM Identity Center says of the directory's users: it adds, and never removes."""
