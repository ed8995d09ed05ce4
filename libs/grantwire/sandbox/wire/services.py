"""Which services and operations exist: botocore's own models and paginators, loaded once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

from botocore.model import OperationModel, ServiceModel
from botocore.session import get_session

SERVICES = ("sts", "iam")  # of the query protocol
JSON_SERVICES = ("organizations",)
CENTER_SERVICES = ("sso-admin", "identitystore")  # of Identity Center, in JSON too
_SIGNED_AS = {"sso": "sso-admin"}  # the name in a signature, where it is not the service's own


class Unsupported(Exception):
    """The sandbox does not simulate this."""


@dataclass(frozen=True)
class Service:
    """One service: its model and how its operations page (botocore's paginators-1.json, by operation name).

    `prefix`: how policies name it.
    """

    name: str
    prefix: str
    model: ServiceModel
    paging: dict[str, dict[str, Any]]

    def operation(self, name: str) -> OperationModel | None:
        """The operation of that name, or None."""
        return self.model.operation_model(name) if name in self.model.operation_names else None


@cache
def load(prefix: str) -> Service:
    """The service of that signing name; `Unsupported` for one that is not simulated."""
    name = _SIGNED_AS.get(prefix, prefix)
    if name not in SERVICES + JSON_SERVICES + CENTER_SERVICES or prefix in _SIGNED_AS.values():
        raise Unsupported(f"service {prefix}")
    session = get_session()
    loader = session.get_component("data_loader")
    paged = name in loader.list_available_services("paginators-1")
    pages = loader.load_service_model(name, "paginators-1")["pagination"] if paged else {}
    return Service(name, prefix, session.get_service_model(name), pages)
