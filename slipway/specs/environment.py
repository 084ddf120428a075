"""Where endpoints go: ``environments/<name>.yaml``."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from slipway.catalog import regions
from slipway.specs.base import Findings, Name, Spec
from slipway.specs.parts import Server
from slipway.specs.suggest import did_you_mean
from slipway.specs.text import Distinct, Shape

LogRetentionDays = Literal[
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653
]


Vpc = Annotated[str, Shape(r"^vpc-([0-9a-f]{8}|[0-9a-f]{17})$", "a VPC's id, such as vpc-0a1b2c3d4e5f60718")]
Subnet = Annotated[
    str, Shape(r"^subnet-([0-9a-f]{8}|[0-9a-f]{17})$", "a subnet's id, such as subnet-0a1b2c3d4e5f60718")
]
SecurityGroup = Annotated[
    str, Shape(r"^sg-([0-9a-f]{8}|[0-9a-f]{17})$", "a security group's id, such as sg-0a1b2c3d4e5f60718")
]
Email = Annotated[str, Shape(r"^[^@\s]+@[^@\s]+\.[^@\s]+$", "an e-mail address")]
Account = Annotated[str, Shape(r"^[0-9]{12}$", "an account: twelve digits in quotes")]
Prefix = Annotated[
    str,
    Shape(
        r"^([a-z0-9][a-z0-9-]{0,15}-)?$",
        "a prefix, such as 'dev-': lower-case letters, digits and hyphens, a hyphen last, at most 17",
    ),
]
Image = Annotated[str, Shape(r"^[^\s]{1,255}$", "an image: its name without spaces, at most 255 characters")]
Runbooks = Annotated[
    str,
    Shape(r"^https://[^\s]{1,200}/$", "an address of a folder: https, a slash last, at most 200 characters"),
    Field(examples=["https://wiki.example.com/runbooks/"]),
]
TagKey = Annotated[
    str,
    Shape(
        r"^(?![aA][wW][sS]:)[A-Za-z0-9 _.:/=+@-]{1,128}$",
        "a tag's key: letters, digits, spaces and _.:/=+-@, at most 128, not beginning with aws:",
    ),
]
TagValue = Annotated[
    str,
    Shape(r"^[A-Za-z0-9 _.:/=+@-]{0,256}$", "a tag's value: letters, digits, spaces and _.:/=+-@, at most 256"),
]


class Network(Spec):
    """The VPC that containers are placed in."""

    reasons: ClassVar[dict[str, str]] = {"subnets": "two zones at least, so that one may fail, and SageMaker takes 16"}

    vpc_id: Vpc
    """In the environment's account and region."""
    subnets: Annotated[tuple[Subnet, ...], Field(min_length=2, max_length=16), Distinct()]
    """At least two, in different availability zones, so that one zone may fail."""
    security_groups: Annotated[tuple[SecurityGroup, ...], Field(max_length=5), Distinct()] = ()
    """Default: a group of the endpoint's own that nothing may enter."""


class AlarmTarget(Spec):
    """Who hears of an alarm."""

    email: Email
    """Confirms the subscription once by mail."""


class EnvironmentSpec(Spec):
    """One place to deploy to."""

    may_hold_null: ClassVar[frozenset[str]] = frozenset({"endpoints"})

    account: Account
    """Twelve digits in quotes."""
    region: str
    """Where everything is; SageMaker hosting must be sold there."""
    production: bool = False
    """Production keeps its data and needs somebody who hears the alarms."""
    name_prefix: Prefix = ""
    """Put before every endpoint's name; needed where two environments share an account and a region."""
    network: Network | None = None
    """Absent: containers run in SageMaker's own network."""
    alarms_to: AlarmTarget | None = None
    """Absent: alarms are defined and roll back, but notify nobody."""
    runbooks: Runbooks | None = None
    """Address that ``docs/runbooks/`` is published under; alarms name their page there. Default: its path here."""
    images: dict[Server, Image] = {}
    """Prebuilt image by server. Default: ours is built and uploaded by ``cdk deploy``, which needs Docker."""
    keep_data: bool = True
    """Whether captured data, logs and the key outlive the stacks."""
    log_retention_days: LogRetentionDays = 90
    """How long logs are kept; these are the values that CloudWatch Logs accepts."""
    tags: Annotated[dict[TagKey, TagValue], Field(max_length=40)] = {}
    """Put on every resource. AWS takes 50, some of which are the tool's own."""
    leave_out: Annotated[tuple[Name, ...], Distinct()] = ()
    """Endpoints that are not deployed here."""
    endpoints: dict[Name, dict[str, Any]] = {}
    """Only what differs here, by endpoint; merged key by key, variants by their name; null removes a key."""

    @model_validator(mode="after")
    def _possible(self) -> Self:
        findings = Findings()
        if self.region not in regions():
            hint = did_you_mean(self.region, sorted(regions()))
            findings.add(("region",), f"'{self.region}' is not a region that sells SageMaker hosting{hint}")
        if self.production and self.alarms_to is None:
            findings.add(("production",), "production needs 'alarms_to', for instance {email: oncall@example.com}")
        if self.production and not self.keep_data:
            findings.add(("keep_data",), "production keeps its data: remove the key")
        for index, name in enumerate(self.leave_out):
            if name in self.endpoints:
                findings.add(("leave_out", index), f"'{name}' is also given under 'endpoints': remove one of the two")
        findings.refuse()
        return self
