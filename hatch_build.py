"""The README as a package index shows it: without links that work only in the repository."""

import re
from pathlib import Path

from hatchling.metadata.plugin.interface import MetadataHookInterface

_PICTURE = re.compile(r"!\[[^\]]*\]\((?!\w+:)[^)]+\)\n+")
_LINK = re.compile(r"\[(?P<text>[^\]]+)\]\((?!\w+:)(?P<file>[^)#]+)(?:#[^)]*)?\)")
_END = "\nFiles that are named here, such as `docs/README.md`, are in the source distribution.\n"


def for_package_index(readme: str) -> str:
    """Return a text whose links to files of the repository are the names of these files.

    The address of the repository is not known here, and a package index resolves no relative link.
    """
    return _LINK.sub(_named, _PICTURE.sub("", readme)) + _END


def _named(link: re.Match[str]) -> str:
    file = f"`{link['file']}`"
    return file if link["text"] == link["file"] else f"{link['text']} ({file})"


class ReadmeHook(MetadataHookInterface):
    """Hatchling's hook for the metadata of the project."""

    def update(self, metadata: dict[str, object]) -> None:
        """Set the text that a package index shows."""
        readme = (Path(self.root) / "README.md").read_text(encoding="utf-8")
        metadata["readme"] = {"content-type": "text/markdown", "text": for_package_index(readme)}
