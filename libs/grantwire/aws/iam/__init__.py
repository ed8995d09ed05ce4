"""What IAM answers, as typed values."""
