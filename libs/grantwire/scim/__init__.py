"""The AWS SCIM endpoint: a guarded way to it, and a reader that adds to what is known and never removes."""

from grantwire.scim.bearer import Bearer
from grantwire.scim.dialing import Resolve, system_resolve
from grantwire.scim.guard import Endpoint, Origin, allowed_origin, allowed_origins, endpoint
from grantwire.scim.reader import Counting, ScimReader
from grantwire.scim.settings import ScimSettings
from grantwire.scim.shapes import Listing, ScimUser

__all__ = [
    "Bearer",
    "Counting",
    "Endpoint",
    "Listing",
    "Origin",
    "Resolve",
    "ScimReader",
    "ScimSettings",
    "ScimUser",
    "allowed_origin",
    "allowed_origins",
    "endpoint",
    "system_resolve",
]
