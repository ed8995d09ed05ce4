"""The query protocol, both ways, from botocore's service models."""
