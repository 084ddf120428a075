"""A cloud assembly: what ``cdk synth`` wrote, and one of our own for what it cannot write."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from slipway.specs import UsageError

if TYPE_CHECKING:
    from pathlib import Path

Template = dict[str, Any]


class Assembly:
    """What ``cdk synth`` wrote.

    Args:
        folder: Holds ``manifest.json``.

    Raises:
        UsageError: If it does not.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        try:
            self._manifest = json.loads((folder / "manifest.json").read_bytes())
        except (OSError, ValueError) as error:
            raise UsageError(f"{folder} is no cloud assembly: its manifest.json cannot be read") from error

    def template(self, stack: str) -> Template:
        """Return a stack's template.

        Raises:
            UsageError: If the assembly has no such stack.
        """
        if stack not in self._manifest["artifacts"]:
            raise UsageError(f"{self._folder} has no stack {stack}: is it another environment's?")
        file = self._manifest["artifacts"][stack]["properties"]["templateFile"]
        template: Template = json.loads((self._folder / file).read_bytes())
        return template

    def write_other(self, stack: str, template: Template, folder: Path) -> None:
        """Write an assembly with that one stack and another template, which needs no upload but its own.

        Args:
            stack: Its place, tags and roles are taken from this assembly.
            template: What is deployed instead; what it refers to must lie in the asset bucket already.
            folder: Where to; made if it is not there.
        """
        text = json.dumps(template, indent=1)
        digest = hashlib.sha256(text.encode()).hexdigest()
        artifact = dict(self._manifest["artifacts"][stack])
        assets = dict(self._manifest["artifacts"][f"{stack}.assets"])
        properties = dict(artifact["properties"])
        former = properties["stackTemplateAssetObjectUrl"].rpartition("/")[2].removesuffix(".json")
        properties["stackTemplateAssetObjectUrl"] = properties["stackTemplateAssetObjectUrl"].replace(former, digest)
        artifact |= {"dependencies": [f"{stack}.assets"], "properties": properties}
        artifact.pop("additionalMetadataFile", None)
        written = {
            properties["templateFile"]: text,
            assets["properties"]["file"]: json.dumps(self._own_upload(assets, former, digest), indent=1),
            "manifest.json": json.dumps(
                {**self._manifest, "artifacts": {stack: artifact, f"{stack}.assets": assets}}, indent=1
            ),
        }
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in written.items():
            (folder / name).write_text(content, encoding="utf-8")

    def _own_upload(self, assets: dict[str, Any], former: str, digest: str) -> dict[str, Any]:
        uploads = json.loads((self._folder / assets["properties"]["file"]).read_bytes())
        own = json.loads(json.dumps(uploads["files"][former]).replace(former, digest))
        return {**uploads, "files": {digest: own}, "dockerImages": {}}
