"""Who a call is made as: clients are shared by all accounts, and each call says whose credentials sign it.

A client of its own for every account would cost half a megabyte, 30 ms and connections of its own.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

from botocore.credentials import Credentials, ReadOnlyCredentials
from botocore.exceptions import NoCredentialsError

_current: Final[ContextVar[Credentials | None]] = ContextVar("grantwire_aws_acting", default=None)


@contextmanager
def acting(credentials: Credentials | None) -> Iterator[None]:
    """Sign this thread's calls with these credentials; they are renewed as they are used."""
    token = _current.set(credentials)
    try:
        yield
    finally:
        _current.reset(token)


class Acting(Credentials):
    """Stands for the credentials of whoever is acting, in clients that many share."""

    def __init__(self) -> None:
        super().__init__("", "", method="grantwire")

    def get_frozen_credentials(self) -> ReadOnlyCredentials:
        """Asked for by botocore at every signature."""
        if (credentials := _current.get()) is None:
            raise NoCredentialsError
        return credentials.get_frozen_credentials()
