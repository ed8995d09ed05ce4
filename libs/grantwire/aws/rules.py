"""The sentences for AWS's failures: one table for codes, one for botocore's own exceptions; and what writes they leave
open. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from botocore import exceptions as boto

from grantwire.aws import codes
from grantwire.contracts.failures import AwsCause


@dataclass(frozen=True, slots=True)
class Rule:
    """One row: the cause and the sentence, whose ``{fields}`` are those that ``errors`` fills in."""

    cause: AwsCause
    sentence: str


ASSUME_DENIED: Final = Rule(
    AwsCause.DENIED,
    "AWS refused sts:AssumeRole on {role}: the role does not exist, does not trust {caller} or asks for another "
    "external id; next: compare the role's trust policy with the one `grantwire connector show --policies` prints, and "
    "allow {caller} to call sts:AssumeRole on that role.",
)
OPERATOR_DENIED: Final = Rule(
    AwsCause.DENIED,
    "AWS refused sts:AssumeRole on the operator role {role}: the role does not exist, does not trust {caller} or asks "
    "for another external id; next: name {caller} in the operator role's trust policy, compare operator_external_id "
    "with it, and allow {caller} to call sts:AssumeRole on that role.",
)
BEHIND_OPERATOR_DENIED: Final = Rule(
    AwsCause.DENIED,
    "AWS refused sts:AssumeRole on {role} to the operator role {via}: the role does not exist, does not trust the "
    "operator role or asks for another external id; next: compare the role's trust policy with the one `grantwire "
    "connector show --policies` prints, and allow the operator role to call sts:AssumeRole on that role.",
)
CHILD_DENIED: Final = Rule(
    AwsCause.DENIED,
    "AWS refused sts:AssumeRole on {role} in {where}: the role does not exist there, does not trust {via} or asks for "
    "another external id, {via} may not assume it, or the account is suspended or closed; next: create the role with "
    "that trust and allow {via} to assume it, set the account's role name or external id under account_overrides, or "
    "accept the gap with `grantwire connector accept-gap`.",
)
NOT_ADMINISTRATOR: Final = Rule(
    AwsCause.DENIED,
    "AWS refused {operation} in {where} ({said}): only an organization's management account and its delegated "
    "administrators may ask; next: give the connector a role of one of these, or switch its organizations off.",
)
NO_ORGANIZATION: Final = Rule(
    AwsCause.FINAL,
    "AWS refused {operation} in {where}: the account belongs to no organization; next: give the connector a role of "
    "the organization's management account or of a delegated administrator, or switch its organizations off.",
)
NOT_DELEGATED: Final = Rule(
    AwsCause.GONE,
    "AWS says that the account {operation} asked about is no longer a delegated administrator ({said}); next: "
    "nothing, it is read again later.",
)
ORGANIZATION_DENIED: Final = Rule(
    AwsCause.DENIED,
    "AWS refused {operation} in {where}: a policy of its organization denies it ({said}); next: ask who runs the "
    "organization to exempt the role from that policy.",
)
PERMISSION_DENIED: Final = Rule(
    AwsCause.DENIED,
    "AWS refused {operation} in {where}: {said}; next: add this to the role's permissions policy: "
    '{{"Effect": "Allow", "Action": "{operation}", "Resource": "*"}}.',
)
CLOCK: Final = Rule(
    AwsCause.CLOCK,
    "AWS refused {operation} because this machine's clock differs from AWS's{apart}; next: set it by NTP.",
)
EXPIRED: Final = Rule(
    AwsCause.DENIED,
    "AWS refused {operation} in {where}: the credentials have expired ({code}); next: renew the credentials this "
    "process was started with (for example `aws sso login`); an assumed role's are renewed by the next sync.",
)
UNKNOWN_KEY: Final = Rule(
    AwsCause.DENIED,
    "AWS does not know the credentials that asked for {operation} in {where} ({code}): the access key is wrong, "
    "inactive, deleted or of another partition; next: check AWS_ACCESS_KEY_ID or the profile this process uses.",
)
SIGNATURE: Final = Rule(
    AwsCause.DENIED,
    "AWS could not verify the signature of {operation} in {where} ({code}): the secret access key does not belong to "
    "the access key; next: set AWS_SECRET_ACCESS_KEY (and AWS_SESSION_TOKEN) from the same credentials.",
)
THROTTLED: Final = Rule(
    AwsCause.TRANSIENT,
    "AWS throttled {operation} in {where} ({code}); next: nothing, it is asked again later; if this stays, raise the "
    "connector's interval or look for another tool that uses up the account's rate.",
)
OUTAGE: Final = Rule(
    AwsCause.TRANSIENT,
    "AWS could not answer {operation} in {where} ({code}, HTTP {status}); next: nothing, it is asked again later.",
)
GONE: Final = Rule(AwsCause.GONE, "AWS says that what {operation} asked about in {where} does not exist ({said}).")
CONFLICT: Final = Rule(
    AwsCause.CONFLICT,
    "AWS refused {operation} in {where} because of another change under way ({code}: {said}); next: ask again later.",
)
REGION_OFF: Final = Rule(
    AwsCause.FINAL,
    "AWS refused {operation}: STS is switched off for the account in this region; next: activate the region under IAM, "
    "Account settings, or set AWS_REGION to an active one.",
)
SESSION_POLICY: Final = Rule(
    AwsCause.FINAL,
    "AWS refused the session policy for {role} ({code}: {said}); next: report this as a bug of Grantwire.",
)
OTHER: Final = Rule(
    AwsCause.FINAL, "AWS refused {operation} in {where} ({code}: {said}); next: no retry will help; read AWS's words."
)
GARBLED: Final = Rule(
    AwsCause.TRANSIENT,
    "The reply to {operation} in {where} {said}; nothing of it was used; next: it is asked again; if this stays, look "
    "for a proxy between this machine and AWS.",
)

BY_CODE: Final[Mapping[str, Rule]] = {
    **dict.fromkeys(codes.PERMISSIONS, PERMISSION_DENIED),
    **dict.fromkeys(codes.EXPIRED, EXPIRED),
    **dict.fromkeys(codes.UNKNOWN_KEY, UNKNOWN_KEY),
    **dict.fromkeys(codes.SIGNATURE, SIGNATURE),
    **dict.fromkeys(codes.THROTTLES, THROTTLED),
    **dict.fromkeys(codes.OUTAGES, OUTAGE),
    **dict.fromkeys(codes.GONE, GONE),
    **dict.fromkeys(codes.CONFLICTS, CONFLICT),
    **dict.fromkeys(codes.CLOCK, CLOCK),
    **dict.fromkeys(codes.NO_ORGANIZATION, NO_ORGANIZATION),
    "AccountNotRegisteredException": NOT_DELEGATED,
    "RegionDisabledException": REGION_OFF,
    "MalformedPolicyDocument": SESSION_POLICY,
    "PackedPolicyTooLarge": SESSION_POLICY,
}

NO_CREDENTIALS: Final = Rule(
    AwsCause.DENIED,
    "No AWS credentials were found for {operation}; next: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, "
    "AWS_PROFILE, or run where a role is attached.",
)
SIGN_IN: Final = Rule(
    AwsCause.DENIED, "The AWS sign-in of this process's profile is over ({said}); next: run `aws sso login`."
)
CREDENTIAL_SOURCE: Final = Rule(
    AwsCause.TRANSIENT,
    "AWS credentials could not be fetched for {operation} ({said}); next: it is tried again; if this stays, check the "
    "profile, credential process or metadata service that should supply them.",
)
PROFILE: Final = Rule(
    AwsCause.FINAL, "The AWS profile cannot be used ({said}); next: set AWS_PROFILE to one that exists."
)
UNREACHABLE: Final = Rule(
    AwsCause.TRANSIENT,
    "{operation} could not reach AWS ({said}); next: check the network, the proxy and AWS_ENDPOINT_URL; it is "
    "tried again.",
)
READ_TIMEOUT: Final = Rule(
    AwsCause.TRANSIENT,
    "AWS did not answer {operation} in {where} in time ({said}); next: nothing, it is asked again later; if this "
    "stays, raise GRANTWIRE_AWS_READ_TIMEOUT.",
)
CERTIFICATE: Final = Rule(
    AwsCause.FINAL,
    "{operation} did not trust the endpoint's certificate ({said}); next: set AWS_CA_BUNDLE to the certificates of the "
    "proxy between this machine and AWS.",
)
REQUEST: Final = Rule(AwsCause.FINAL, "{operation} was not sent, because its request is not valid ({said}).")

BY_EXCEPTION: Final[tuple[tuple[type[Exception], Rule], ...]] = (
    (boto.NoCredentialsError, NO_CREDENTIALS),
    (boto.PartialCredentialsError, NO_CREDENTIALS),
    (boto.SSOError, SIGN_IN),
    (boto.TokenRetrievalError, SIGN_IN),
    (boto.CredentialRetrievalError, CREDENTIAL_SOURCE),
    (boto.MetadataRetrievalError, CREDENTIAL_SOURCE),
    (boto.ProfileNotFound, PROFILE),
    (boto.ConfigNotFound, PROFILE),
    (boto.SSLError, CERTIFICATE),
    (boto.ReadTimeoutError, READ_TIMEOUT),
    (boto.ConnectionError, UNREACHABLE),
    (boto.HTTPClientError, UNREACHABLE),
    (boto.BotoCoreError, REQUEST),
)


def may_have_left(error: Exception) -> bool:
    """Whether the request may have reached AWS, where botocore got no answer.

    Its connection errors are those of connecting; a connection may break by TLS later too, unless the certificate was
    not trusted.
    """
    if isinstance(error, boto.SSLError):
        return "CERTIFICATE_VERIFY_FAILED" not in str(error)
    return isinstance(error, boto.HTTPClientError)


def may_have_acted(rule: Rule, status: int) -> bool:
    """Whether AWS may have carried out what it answered with an error: a refusal (HTTP 4xx) did nothing, an outage
    tells nothing."""
    if rule is THROTTLED:
        return False
    return rule is OUTAGE or not 400 <= status < 500
