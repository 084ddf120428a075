"""The images of a template's containers: whose they are, what they hold, and which machines they are placed on."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from slipway.catalog import hosting_images, image_repositories, instance_types, publishers
from slipway.preflight.hosting import COMPONENT, config_of, model_of
from slipway.preflight.template import ENDPOINT, MODEL, containers
from slipway.preflight.values import CLOSE, is_known

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.catalog import HostingImage, InstanceType
    from slipway.preflight.template import Path, Resource, Template, Variant

ECR: Final = re.compile(
    r"(?P<account>\d{12})\.dkr[.-]ecr(-fips)?\.(?P<region>[a-z0-9-]+)\.(amazonaws\.com(\.cn)?|on\.aws|[a-z0-9.-]+)"
    r"/(?P<repository>[^:@]+)(:(?P<tag>[^@]*))?(@(?P<digest>.+))?"
)
CUDA: Final = re.compile(r"cu\d{2,3}|cuda|gpu")
NEURON: Final = re.compile(r"neuronx?|inf2?")
ARM64: Final = re.compile(r"(^|[-_./])(arm64|aarch64|graviton)([-_./]|$)")
X86_64: Final = re.compile(r"(^|[-_./])(x86_64|amd64)([-_./]|$)")
NEED_GPU: Final = frozenset(
    {
        *("djl-fastertransformer", "djl-tensorrtllm", "huggingface-sglang", "huggingface-tei", "huggingface-vllm"),
        *("huggingface-vllm-omni", "sglang", "sglang-server", "vllm", "vllm-omni", "vllm-server"),
    }
)
"""Servers that stop at their start without one."""


@dataclass(frozen=True)
class Image:
    """An image in ECR.

    Args:
        account: That holds it.
        region: Where it lies.
        repository: With what stands before its last slash.
        tag: None without.
        digest: As in ``sha256:…``; None without.
    """

    account: str
    region: str
    repository: str
    tag: str | None
    digest: str | None

    @property
    def published(self) -> bool:
        """Whether its account is one that AWS publishes from."""
        return self.account in publishers()

    @property
    def known(self) -> HostingImage | None:
        """The image of the catalogue that it is, or is a copy of: by the longest beginning of its tag."""
        return _known(self.name, self.tag)

    @property
    def name(self) -> str:
        """The repository's own name, without what a mirror puts before it."""
        return self.repository.rpartition("/")[2]

    @property
    def server(self) -> str | None:
        """What answers in it, in the catalogue's words; None for people's own images."""
        if self.known is not None:
            return self.known.server
        servers = {row.server for row in hosting_images().get(self.name, ())}
        named = {server for server in servers if server.startswith("djl-") and server[4:] in str(self.tag)}
        found = named if len(named) == 1 else servers
        return next(iter(found)) if len(found) == 1 else None

    @property
    def accelerator(self) -> str | None:
        """``cpu``, ``gpu`` or ``neuron``; None where it takes what there is, or where nothing says it."""
        if self.known is not None:
            return self.known.accelerator
        if self.name not in image_repositories():
            return None
        words = f"{self.name}-{self.tag}".split("-")
        if any(NEURON.fullmatch(word) for word in words):
            return "neuron"
        if any(CUDA.fullmatch(word) for word in words):
            return "gpu"
        return "cpu" if "cpu" in words else None

    @property
    def architecture(self) -> str | None:
        """``x86_64`` or ``arm64``, as its name says; AWS says it of arm64 alone; None where nothing says it."""
        if self.known is not None:
            return self.known.architecture
        name = f"{self.repository}:{self.tag}".lower().replace(":", "/")
        arm64, x86_64 = ARM64.search(name) is not None, X86_64.search(name) is not None
        if arm64 is x86_64:
            return "x86_64" if self.published and self.name in image_repositories() and not arm64 else None
        return "arm64" if arm64 else "x86_64"


@dataclass(frozen=True)
class Held:
    """A container, and where it stands: in a model, or in an inference component."""

    resource: Resource
    path: Path
    settings: dict[str, Any]

    @property
    def image(self) -> Image | None:
        """Its image; None where that is not in ECR or only a deployment knows it."""
        return parse(self.settings.get("Image"))

    @property
    def environment(self) -> dict[str, str]:
        """Its variables that are known, as text."""
        written = self.settings.get("Environment")
        known = written.items() if isinstance(written, dict) else ()
        return {name: _text(value) for name, value in known if isinstance(name, str) and _is_scalar(value)}

    @property
    def server(self) -> str | None:
        """What answers in it; None for people's own images."""
        return None if self.image is None else self.image.server

    def at(self, *path: str) -> Path:
        """Return the path of something inside of it."""
        return (*self.path, *path)


def parse(image: Any) -> Image | None:
    """Return an image that lies in ECR; None for any other, and where a part of it only a deployment knows."""
    match = ECR.fullmatch(image) if isinstance(image, str) and is_known(image) else None
    if match is None:
        return None
    return Image(match["account"], match["region"], match["repository"], match["tag"] or None, match["digest"])


def held(template: Template) -> Iterator[Held]:
    """Yield every container of every model and inference component."""
    for model in template.of_kind(MODEL):
        yield from (Held(model, path, container) for path, container in containers(model))
    for component in template.of_kind(COMPONENT):
        settings = component.at("Specification", "Container")
        if isinstance(settings, dict):
            yield Held(component, ("Specification", "Container"), settings)


def in_ecr(template: Template) -> Iterator[tuple[Held, Image]]:
    """Yield every container whose image lies in ECR, with the image."""
    for container in held(template):
        image = container.image
        if image is not None:
            yield container, image


def variants_by_host(template: Template) -> dict[str, list[Variant]]:
    """Return the variants that a model or an inference component is placed on, by logical id."""
    found: dict[str, list[Variant]] = {}
    for variant in template.variants():
        model = model_of(template, variant)
        if model is not None:
            found.setdefault(model.logical_id, []).append(variant)
    for component in template.of_kind(COMPONENT):
        model = template.named(MODEL, component.at("Specification", "ModelName"), key="ModelName")
        host = component if model is None else model
        found.setdefault(host.logical_id, []).extend(_variants_of(template, component))
    return found


def placed(template: Template) -> Iterator[tuple[Held, Image, InstanceType]]:
    """Yield every container whose image lies in ECR with each machine that it is placed on."""
    hosts = variants_by_host(template)
    for container, image in in_ecr(template):
        names = {str(variant.at("InstanceType")) for variant in hosts.get(container.resource.logical_id, ())}
        for name in sorted(names & instance_types().keys()):
            yield container, image, instance_types()[name]


def alone(template: Template) -> set[str]:
    """Return the models whose one container has its machine to itself: not those of pipelines and of components."""
    direct = {model.logical_id for each in template.variants() if (model := model_of(template, each)) is not None}
    return {
        model.logical_id
        for model in template.of_kind(MODEL)
        if model.logical_id in direct and len(list(containers(model))) == 1
    }


def has_neuron(machine: InstanceType) -> bool:
    """Tell whether a machine has Inferentia or Trainium chips."""
    return machine.name.startswith(("ml.inf", "ml.trn"))


def _variants_of(template: Template, component: Resource) -> list[Variant]:
    endpoint = template.named(ENDPOINT, component.at("EndpointName"), key="EndpointName")
    config = None if endpoint is None else config_of(template, endpoint)
    if config is None:
        return []
    name = component.at("VariantName")
    return [
        variant for variant in template.variants_of(config) if name is not None and variant.at("VariantName") == name
    ]


@lru_cache(maxsize=1024)
def _known(name: str, tag: str | None) -> HostingImage | None:
    rows = [row for row in hosting_images().get(name, ()) if f"{tag}-".startswith(f"{row.tag}-")]
    return max(rows, key=lambda row: len(row.tag), default=None)


def _is_scalar(value: Any) -> bool:
    return isinstance(value, (str, bool, int, float)) and is_known(value)


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def tail(text: Any) -> str | None:
    """Return how a text ends, from its last reference on; None where it ends in one or is no text."""
    if not isinstance(text, str):
        return None
    end = text.rpartition(CLOSE)[2]
    return end or None
