"""The SCIM endpoint of Identity Center, over the same directory as its API.

https://docs.aws.amazon.com/singlesignon/latest/developerguide/what-is-scim.html
"""
