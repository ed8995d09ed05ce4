"""The part of boto3's Organizations client that is used here."""

from collections.abc import Mapping
from typing import Any, Protocol

Answer = Mapping[str, Any]


class OrganizationsClient(Protocol):
    """Parameters and members are named as AWS names them."""

    def describe_organization(self) -> Answer: ...

    def list_roots(self, **page: Any) -> Answer: ...

    def list_organizational_units_for_parent(self, *, ParentId: str, **page: Any) -> Answer: ...

    def list_accounts(self, **page: Any) -> Answer: ...

    def list_accounts_for_parent(self, *, ParentId: str, **page: Any) -> Answer: ...

    def list_delegated_administrators(self, **page: Any) -> Answer: ...

    def list_delegated_services_for_account(self, *, AccountId: str, **page: Any) -> Answer: ...
