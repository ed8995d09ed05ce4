"""Every service by name, and the module that builds it. Nothing is imported before it is needed."""

import gc
import importlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

SERVICES: Final[Mapping[str, str]] = {
    "scheduler": "grantwire.scheduler.service",
    "collector-organization": "grantwire.collectors.organization.service",
    "collector-iam": "grantwire.collectors.iam.service",
    "collector-credentials": "grantwire.collectors.credentials.service",
    "collector-identity-center": "grantwire.collectors.identity_center.service",
    "collector-scim": "grantwire.collectors.scim.service",
    "projector": "grantwire.projector.service",
    "provisioner": "grantwire.provisioner.service",
    "relay": "grantwire.relay.service",
    "api": "grantwire.api.service",
}
HELPERS: Final[Mapping[str, str]] = {
    "sandbox": "grantwire.sandbox.__main__",
    "traces": "grantwire.local.traces.__main__",
    "local": "grantwire.local.__main__",
}


def load(name: str) -> Any:
    """The module of a service or helper."""
    with _keeping():
        return importlib.import_module({**SERVICES, **HELPERS}[name])


def load_services() -> dict[str, Any]:
    """The modules of all services, in the order in which they start."""
    return {name: load(name) for name in SERVICES}


@contextmanager
def _keeping() -> Iterator[None]:
    """Imports make a great many objects and leave none behind: looking for garbage would cost a sixth of their time."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
