"""A simulated AWS account or organization: STS, IAM and Organizations on loopback, with a truth to compare with.

Start it with `python -m grantwire.sandbox` or, in a thread, with `grantwire.sandbox.server.start`. Nothing here is
imported at package level, so the generator and the truth can be used without botocore.
"""
