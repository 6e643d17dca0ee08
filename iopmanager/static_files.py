"""How the static files are collected for the server."""

import re
from typing import Any

from django.core.files.base import ContentFile
from whitenoise.storage import CompressedManifestStaticFilesStorage

COMMENT = re.compile(rb"/\*(?!!).*?\*/", re.DOTALL)
"""A comment, except for one that begins with an exclamation mark, such as a license."""
INDENTATION = re.compile(rb"\s*\n\s*")


def without_comments(stylesheet: bytes) -> bytes:
    """Return the stylesheet without comments, indentation and empty lines, so that pages load fewer bytes."""
    return INDENTATION.sub(b"\n", COMMENT.sub(b"", stylesheet)).strip()


class StaticFilesStorage(CompressedManifestStaticFilesStorage):  # type: ignore[misc]  # its base has no types
    """Gives files names with a hash of their content, compresses them, and takes the comments out of stylesheets."""

    def _save(self, name: str, content: Any) -> str:
        if name.endswith(".css"):
            content = ContentFile(without_comments(b"".join(content.chunks())))
        saved: str = super()._save(name, content)
        return saved
