"""The access token: goes into the Authorization header and nowhere else."""

import re
from typing import Final, NoReturn

from grantwire.contracts.failures import Invalid

FIELD: Final = "scim_token"
_SHORTEST: Final = 16  # AWS's have hundreds of characters; a shorter text would be found in answers by accident
_LONGEST: Final = 8_192
_UNFIT: Final = re.compile(r"[^\x21-\x7e]|[\"\\]")  # quotes and backslashes: JSON would hide the token behind escapes
_NEXT: Final = "next: copy the access token from IAM Identity Center, Settings, Automatic provisioning, once more."


class Bearer:
    """An access token that shows itself to nobody: its text is ``Bearer(***)``, and it cannot be pickled."""

    __slots__ = ("_secret",)

    def __init__(self, secret: str) -> None:
        """Raises ``Invalid``, which does not repeat the token."""
        if len(secret) < _SHORTEST:
            raise Invalid(f"The SCIM access token has fewer than {_SHORTEST} characters; {_NEXT}", FIELD)
        if len(secret) > _LONGEST:
            raise Invalid(f"The SCIM access token has more than {_LONGEST:,} characters; {_NEXT}", FIELD)
        if _UNFIT.search(secret):
            why = "a space, a line break, a quote or another character that no access token has"
            raise Invalid(f"The SCIM access token contains {why}; {_NEXT}", FIELD)
        self._secret = secret.encode("ascii")

    def __repr__(self) -> str:
        return "Bearer(***)"

    def __reduce__(self) -> NoReturn:
        raise TypeError("an access token is not pickled")

    @property
    def header(self) -> tuple[bytes, bytes]:
        """The header that says it. Secret."""
        return b"Authorization", b"Bearer " + self._secret

    def within(self, data: bytes) -> bool:
        return self._secret in data

    def __len__(self) -> int:
        return len(self._secret)
