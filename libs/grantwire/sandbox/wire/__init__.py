"""The query and JSON protocols, both ways, from botocore's service models."""
