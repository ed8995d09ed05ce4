"""AWS's partitions. A plan is made in `aws` and spelled for another partition afterwards. Standard library only."""

from __future__ import annotations

import re
from dataclasses import dataclass, fields, is_dataclass
from functools import cache
from typing import Any, TypeVar

Value = TypeVar("Value")
_HINTS = re.compile(r"arn:aws:|amazon|us-east-1|eu-west-1|ap-southeast-2")


@dataclass(frozen=True)
class Partition:
    """One partition: its name in ARNs, the region to sign for, and what is written otherwise than in `aws`."""

    name: str
    region: str
    regions: str  # how the names of its regions begin; empty: none of the others
    spellings: tuple[tuple[str, str], ...] = ()


def _elsewhere(name: str, region: str, regions: str, *more: tuple[str, str]) -> Partition:
    # An EKS issuer holds a region, so its host is spelled before the regions are.
    always = ((r"arn:aws:", f"arn:{name}:"), (r"\b(?:us-east-1|eu-west-1|ap-southeast-2)\b", region))
    return Partition(name, region, regions, more + always)


# Service principals have the suffix of the partition only where AWS uses it: EC2's has, Lambda's has not.
PARTITIONS: dict[str, Partition] = {
    "aws": Partition("aws", "us-east-1", ""),
    "aws-us-gov": _elsewhere(
        "aws-us-gov",
        "us-gov-west-1",
        "us-gov-",
        (r"signin\.aws\.amazon\.com", "signin.amazonaws-us-gov.com"),
    ),
    "aws-cn": _elsewhere(
        "aws-cn",
        "cn-north-1",
        "cn-",
        (r"(?<![\w.-])ec2\.amazonaws\.com(?![\w.])", "ec2.amazonaws.com.cn"),
        (r"signin\.aws\.amazon\.com", "signin.amazonaws.cn"),
        (r"(oidc\.eks\.[\w-]+\.amazonaws\.com)(?!\.cn)", r"\1.cn"),
    ),
}


def home_of(region: str) -> str:
    """The partition that a region belongs to."""
    found = (each.name for each in PARTITIONS.values() if each.regions and region.startswith(each.regions))
    return next(found, "aws")


@cache
def _spellings(partition: str) -> tuple[tuple[re.Pattern[str], str], ...]:
    return tuple((re.compile(pattern), text) for pattern, text in PARTITIONS[partition].spellings)


def spelled(value: Value, partition: str) -> Value:
    """Any text, row or claim, at any depth, as it is written in `partition`."""
    return value if partition == "aws" else _respelled(value, partition)


def _respelled(value: Any, partition: str) -> Any:
    if isinstance(value, str):
        return _text(value, partition)
    if isinstance(value, tuple | list):
        return type(value)(_respelled(each, partition) for each in value)
    if isinstance(value, dict):
        return {_respelled(key, partition): _respelled(each, partition) for key, each in value.items()}
    if is_dataclass(value) and not isinstance(value, type):
        return type(value)(**{each.name: _respelled(getattr(value, each.name), partition) for each in fields(value)})
    return value


def _text(text: str, partition: str) -> str:
    if _HINTS.search(text) is None:  # most texts are the same everywhere
        return text
    for pattern, instead in _spellings(partition):
        text = pattern.sub(instead, text)
    return text
