"""What the roles of models must be allowed for hosting to work, and whether they are."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from slipway.preflight.hosting import model_of
from slipway.preflight.roles import BUCKET, UNNAMED, plain, rights_of, role_of
from slipway.preflight.statements import Statement, for_everybody, some, statements_in
from slipway.preflight.storage import CAPTURE, RESULTS, TOPICS, archives, in_s3, topic_of
from slipway.preflight.template import CONFIG, MODEL, containers
from slipway.preflight.values import LINK, Unknown, link, spelled

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Path, Resource, Template

POLICY: Final = ("PolicyDocument",)
POLICY_TEXT: Final = ("RepositoryPolicyText",)
REPOSITORY: Final = "AWS::ECR::Repository"
ECR: Final = re.compile(r"([^/]+)\.dkr\.ecr\.([a-z0-9-]+)\.amazonaws\.com(?:\.cn)?/([^:@]+)(?:[:@].*)?")


@dataclass(frozen=True)
class Need:
    """A right without which hosting does not work.

    Args:
        kind: ``read``, ``list`` (what callers name), ``search`` (what SageMaker downloads), ``pull``, ``write`` or
            ``publish``.
        where: The model or endpoint config that needs it.
        path: Of the property that names what is needed.
        role: That must have it.
        action: As in ``s3:GetObject``.
        arn: Of what is needed; ends in ``*`` where all below it is.
        held: The bucket, repository or topic, if the template holds it.
    """

    kind: str
    where: Resource
    path: Path
    role: Resource
    action: str
    arn: str
    held: Resource | None

    @property
    def missing(self) -> str:
        """A message for whoever reads that it is not met."""
        return f"role '{self.role.logical_id}' has no right to {self.action} on '{spelled(self.arn)}'"


def unmet(template: Template, *kinds: str, held: bool) -> Iterator[Need]:
    """Yield the needs that are surely not met.

    Args:
        template: As given to rules.
        kinds: Of needs.
        held: Whether of things that the template holds; of others, a policy elsewhere may still give the right.
    """
    for need in needs(template):
        if need.kind in kinds and (need.held is not None) is held and is_met(template, need) is False:
            yield need


def is_met(template: Template, need: Need) -> bool | None:
    """Return whether the role has the right; None where only a deployment knows."""
    own = rights_of(template, need.role).allows(need.action, need.arn)
    if need.held is None:
        return own
    statements, certain = own_policies(template, need.held)
    if any(each.denies and for_everybody(each) and each.applies_to(need.action, need.arn) for each in statements):
        return False
    given = some(each.speaks_of(need.action, need.arn) for each in statements if each.allows)
    return None if own is False and (given is not False or not certain) else own


@lru_cache(maxsize=1)
def needs(template: Template) -> list[Need]:
    """Return what the roles in a template must be allowed."""
    return [*_of_models(template), *_of_configs(template)]


def _of_models(template: Template) -> Iterator[Need]:
    for model in template.of_kind(MODEL):
        role = role_of(template, model.at("ExecutionRoleArn"))
        if role is not None:
            yield from _of_archives(template, model, role)
            for path, container in containers(model):
                yield from _of_image(template, model, path, container.get("Image"), role)


def _of_archives(template: Template, model: Resource, role: Resource) -> Iterator[Need]:
    for path, uri, below in archives(model):
        found = in_s3(template, uri, below=below)
        if found is not None:
            yield Need("read", model, path, role, "s3:GetObject", *found)
            if below:
                kind = "list" if path[-1] == "ModelDataUrl" else "search"
                yield Need(kind, model, path, role, "s3:ListBucket", found[0].partition("/")[0], found[1])


def _of_image(template: Template, model: Resource, path: Path, image: Any, role: Resource) -> Iterator[Need]:
    match = ECR.fullmatch(image) if isinstance(image, str) else None
    referred = LINK.match(image) if isinstance(image, str) else None
    name = match[3] if match is not None else referred[0] if referred is not None else None
    held = template.named(REPOSITORY, name, key="RepositoryName")
    if held is not None:
        yield Need("pull", model, (*path, "Image"), role, "ecr:BatchGetImage", link(held.logical_id, "Arn"), held)
    elif match is not None:
        arn = f"arn:aws:ecr:{match[2]}:{match[1]}:repository/{match[3]}"
        yield Need("pull", model, (*path, "Image"), role, "ecr:BatchGetImage", arn, None)


def _of_configs(template: Template) -> Iterator[Need]:
    for config in template.of_kind(CONFIG):
        for role in execution_roles(template, config):
            for path in (CAPTURE, *RESULTS):
                found = in_s3(template, config.at(*path), below=True)
                if found is not None:
                    yield Need("write", config, path, role, "s3:PutObject", *found)
            for place in TOPICS:
                topic = plain(template, config.at(*place))
                if isinstance(topic, str):
                    yield Need("publish", config, place, role, "sns:Publish", topic, topic_of(template, topic))


def execution_roles(template: Template, config: Resource) -> list[Resource]:
    """Return the roles that the template holds and that containers of a config run with."""
    models = [model_of(template, variant) for variant in template.variants_of(config)]
    arns = [config.at("ExecutionRoleArn"), *(model.at("ExecutionRoleArn") for model in models if model is not None)]
    found = {role.logical_id: role for arn in arns if (role := role_of(template, arn)) is not None}
    return list(found.values())


def own_policies(template: Template, held: Resource) -> tuple[list[Statement], bool]:
    """Return the statements of a bucket's, topic's or repository's own policies, and whether they are all."""
    statements, whole = _policies(template).get(held.logical_id, ([], True))
    return statements, whole and UNNAMED not in _policies(template)


@lru_cache(maxsize=1)
def _policies(template: Template) -> dict[str, tuple[list[Statement], bool]]:
    """By bucket, topic or repository: the statements of its own policies."""
    found: dict[str, tuple[list[Statement], bool]] = {}
    for holder, name in _holders(template):
        path = POLICY_TEXT if holder.kind == REPOSITORY else POLICY
        statements, whole = statements_in(holder, path, plain(template, holder.at(*path)))
        held, certain = found.get(name, ([], True))
        found[name] = ([*held, *statements], certain and whole)
    return found


def _holders(template: Template) -> Iterator[tuple[Resource, str]]:
    for policy in template.of_kind("AWS::S3::BucketPolicy"):
        bucket = template.named(BUCKET, policy.at("Bucket"), key="BucketName")
        if bucket is not None or isinstance(policy.at("Bucket"), Unknown):
            yield policy, UNNAMED if bucket is None else bucket.logical_id
    for policy in template.of_kind("AWS::SNS::TopicPolicy"):
        topics = policy.at("Topics")
        for name in topics if isinstance(topics, list) else [topics]:
            topic = topic_of(template, name)
            if topic is not None or isinstance(name, Unknown):
                yield policy, UNNAMED if topic is None else topic.logical_id
    for repository in template.of_kind(REPOSITORY):
        if repository.at(*POLICY_TEXT) is not None:
            yield repository, repository.logical_id
