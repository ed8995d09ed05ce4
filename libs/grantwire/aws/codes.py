"""AWS's error codes, grouped by what they mean for us. Data only."""

from typing import Final


def _words(*lines: str) -> frozenset[str]:
    return frozenset(word for line in lines for word in line.split())


THROTTLES: Final = _words(
    "BandwidthLimitExceeded EC2ThrottledException LimitExceededException PriorRequestNotComplete",
    "ProvisionedThroughputExceededException RequestLimitExceeded RequestThrottled RequestThrottledException SlowDown",
    "Throttling ThrottlingException ThrottledException TooManyRequestsException TransactionInProgressException",
)
OUTAGES: Final = _words(
    "IDPCommunicationError InternalError InternalFailure InternalServerError InternalServerException RequestTimeout",
    "RequestTimeoutException ServerException ServiceException ServiceFailure ServiceFailureException",
    "ServiceUnavailable ServiceUnavailableException Unavailable",
)
PERMISSIONS: Final = _words(
    "AccessDenied AccessDeniedException NotAuthorized NotAuthorizedException UnauthorizedException",
    "UnauthorizedOperation",
)
EXPIRED: Final = _words("ExpiredToken ExpiredTokenException TokenRefreshRequired")
UNKNOWN_KEY: Final = _words(
    "AuthFailure InvalidAccessKeyId InvalidClientTokenId InvalidToken NotSignedUp OptInRequired",
    "UnrecognizedClientException",
)
SIGNATURE: Final = _words(
    "IncompleteSignature IncompleteSignatureException InvalidSignatureException MissingAuthenticationToken",
    "MissingAuthenticationTokenException SignatureDoesNotMatch",
)
GONE: Final = _words(
    "AccountNotFoundException ChildNotFoundException EntityDoesNotExist NoSuchEntity NoSuchEntityException",
    "NotFoundException OrganizationalUnitNotFoundException ParentNotFoundException ResourceNotFoundException",
    "RootNotFoundException TargetNotFoundException",
)
CONFLICTS: Final = _words(
    "ConcurrentModification ConcurrentModificationException Conflict ConflictException DeleteConflict",
    "EntityAlreadyExists EntityTemporarilyUnmodifiable",
)
CLOCK: Final = _words("RequestExpired RequestInTheFuture RequestTimeTooSkewed")

NO_ORGANIZATION: Final = _words("AWSOrganizationsNotInUseException")

CREDENTIALS: Final = EXPIRED | UNKNOWN_KEY | SIGNATURE  # the keys themselves are not accepted: new ones may be
