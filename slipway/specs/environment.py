"""Where endpoints go: ``environments/<name>.yaml``."""

from __future__ import annotations

import re
from typing import Annotated, Any, ClassVar, Final, Literal, Self

from pydantic import Field, model_validator

from slipway.catalog import regions
from slipway.specs.account import Account, Key
from slipway.specs.base import Findings, Keys, Name, Spec
from slipway.specs.network import Network
from slipway.specs.servers import ServerName
from slipway.specs.suggest import did_you_mean
from slipway.specs.text import Distinct, Shape

LogRetentionDays = Literal[
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653
]


Boundary = Annotated[
    str,
    Shape(
        r"^arn:aws(-cn|-us-gov)?:iam::([0-9]{12}|aws):policy/[A-Za-z0-9+=,.@_/-]{1,512}$",
        "a managed policy's ARN, such as arn:aws:iam::111122223333:policy/Boundary",
    ),
]
Email = Annotated[str, Shape(r"^[^@\s]+@[^@\s]+\.[^@\s]+$", "an e-mail address")]
Prefix = Annotated[
    str,
    Shape(
        r"^([a-z0-9][a-z0-9-]{0,15}-)?$",
        "a prefix, such as 'dev-': lower-case letters, digits and hyphens, a hyphen last, at most 17",
    ),
]
REGISTRY: Final = re.compile(r"\d{12}\.dkr\.ecr(?:-fips)?\.([a-z0-9-]+)\.")
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


class AlarmTarget(Spec):
    """Who hears of an alarm."""

    email: Email
    """Confirms the subscription once by mail."""


class Builds(Spec):
    """A stack that builds models in processing jobs."""

    image: Image | None = None
    """What the jobs run. Default: ours is built from ``containers/model-build`` and uploaded by ``cdk deploy``, which
    needs Docker."""
    max_at_once: Annotated[int, Field(ge=1, le=40)] = 4
    """Jobs of one ``slipway build`` that run side by side; the account's quota for the instance type is another
    limit."""


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
    permissions_boundary: Boundary | None = None
    """Of every role that the stacks define. Absent: none, as where the account does not ask for one."""
    kms_key: Key | None = None
    """Encrypts everything instead of a key of the environment's own; its policy must let CloudWatch and CloudWatch Logs
    use it, as ``EncryptionKey`` does. Absent: the shared stack makes one and rotates it."""
    alarms_to: AlarmTarget | None = None
    """Absent: alarms are defined and roll back, but notify nobody."""
    runbooks: Runbooks | None = None
    """Address that ``docs/runbooks/`` is published under; alarms name their page there. Default: its path here."""
    images: dict[ServerName, Image] = {}
    """Prebuilt image by server. Default: ours is built and uploaded by ``cdk deploy``, which needs Docker."""
    builds: Builds | None = None
    """Models may be built here, in processing jobs. Absent: none are."""
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
        _check_arns(findings, self)
        for server, image in self.images.items():
            _check_image(findings, ("images", server), image, self.region)
        if self.builds is not None and self.builds.image is not None:
            _check_image(findings, ("builds", "image"), self.builds.image, self.region)
        for index, name in enumerate(self.leave_out):
            if name in self.endpoints:
                findings.add(("leave_out", index), f"'{name}' is also given under 'endpoints': remove one of the two")
        findings.refuse()
        return self


def _check_image(findings: Findings, path: Keys, image: str, region: str) -> None:
    registry = REGISTRY.match(image)
    if registry is not None and registry[1] != region:
        message = f"lies in {registry[1]}: a model's image is in its own region, {region}"
        findings.add(path, message, because=(("region",),))


def _check_arns(findings: Findings, environment: EnvironmentSpec) -> None:
    boundary, key = environment.permissions_boundary, environment.kms_key
    if boundary is not None and boundary.split(":")[4] not in (environment.account, "aws"):
        message = f"is a policy of account {boundary.split(':')[4]}: a boundary is one of the roles' own account"
        findings.add(("permissions_boundary",), message, because=(("account",),))
    if key is not None and key.split(":")[3] != environment.region:
        message = f"is a key in {key.split(':')[3]}: what is in {environment.region} is encrypted with a key there"
        findings.add(("kms_key",), message, because=(("region",),))
