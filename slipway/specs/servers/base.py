"""What every server has in common: it turns an artifact into an image, variables and files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from slipway.specs.base import Keys, Spec

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import TypeAlias

    from slipway.catalog import InstanceType
    from slipway.specs.artifact import Artifact
    from slipway.specs.manifest import ServedModel

    Layout: TypeAlias = Mapping[str, "bytes | str"]
    """By path in the container's model folder: bytes that are written there, or the name of a file of the artifact."""


class ServerSpec(Spec):
    """What answers inside a container, and how it is told to; a server is one file with a subclass of this."""

    ends: ClassVar[str | None] = None
    """Why it should not be used for anything new, where it should not."""

    on_arm64: ClassVar[bool] = False
    """Whether its image runs on Graviton."""

    speaks_chat: ClassVar[bool] = False
    """Whether it answers OpenAI's chat completions."""

    hands_on: ClassVar[bool] = True
    """Whether it takes and answers JSON as our own server does, which the next container of a pipeline is handed."""

    asks_singly: ClassVar[bool] = False
    """Whether a request holds one input, and no more."""

    own_variables: ClassVar[tuple[str, ...]] = ()
    """What the names of variables begin with that its options stand for."""

    name: str

    @property
    def continues_text(self) -> bool:
        """Whether a language model's files behind it go on with a text, asked with `inputs` and `parameters`."""
        return False

    def image(self, region: str, machine: InstanceType | None) -> str | None:  # noqa: ARG002  a server's own
        """Return the image in a region.

        Args:
            region: Of the endpoint.
            machine: That it runs on; None where nobody chooses one, which is serverless.

        Returns:
            None: it is ours, built from ``containers/<name>/Dockerfile``.
        """
        return None

    def ami(self, region: str, machine: InstanceType | None) -> str | None:  # noqa: ARG002  a server's own
        """Return the system image of the machines, where the container's CUDA asks for one; else None."""
        return None

    def build_arguments(self, region: str, machine: InstanceType | None) -> dict[str, str]:  # noqa: ARG002
        """Return what the build of our own image is told; the arguments are those of `image`."""
        return {}

    def problems(self, artifact: Artifact, machine: InstanceType | None) -> Iterator[tuple[Keys, str]]:  # noqa: ARG002
        """Say why an artifact cannot be served so.

        Args:
            artifact: The built model.
            machine: That it runs on; None for serverless.

        Returns:
            The key below ``server`` that is to blame, ``()`` for the server itself, and what is wrong with the mend.
        """
        yield from ()

    def installs(self, artifact: Artifact) -> bool:  # noqa: ARG002  a server's own
        """Tell whether its container reaches for a package index when it starts."""
        return False

    def variables(self, artifact: Artifact, machine: InstanceType | None) -> dict[str, str]:  # noqa: ARG002
        """Return the container's variables; what the user wrote is laid over them."""
        return {}

    def variables_of_many(self) -> dict[str, str]:
        """Return what the container is told besides where it loads models as they are asked for."""
        return {}

    def patience(self, seconds: int) -> dict[str, str]:  # noqa: ARG002  most wait for ever
        """Return the variables that let a request take so long, where callers wait longer than they usually do."""
        return {}

    def unread(self, variables: Mapping[str, str]) -> Iterator[tuple[str, str]]:  # noqa: ARG002
        """Yield the user's variables that it would overlook or end with: the name, and what is wrong."""
        yield from ()

    def told_in_files(self, artifact: Artifact, machine: InstanceType | None) -> dict[str, str]:  # noqa: ARG002
        """Return as variables what its files tell it, so that a check of the template sees it; {} where they do not."""
        return {}

    def layout(self, artifact: Artifact, machine: InstanceType | None) -> Layout | None:  # noqa: ARG002
        """Return the files of the container's model folder.

        Returns:
            None: they are the artifact's own.
        """
        return None

    def request(self, served: ServedModel | None, inputs: list[Any]) -> Any:  # noqa: ARG002
        """Return a request, to be sent as JSON, for inputs as our own server takes them.

        Args:
            served: What a server is told of the model; None of a language model's files, which say it themselves.
            inputs: Such as those of its example; one alone where ``asks_singly``.

        Returns:
            None: the server takes nothing that these inputs could be written as.
        """
        return {"inputs": inputs}

    def answer(self, served: ServedModel | None, document: Any) -> Any:  # noqa: ARG002
        """Return an answer in the words of our own server."""
        return document

    def least_startup_seconds(self, artifact: Artifact) -> int:  # noqa: ARG002
        """Return how long SageMaker must wait at least until /ping answers: 0 where the size alone decides."""
        return 0
