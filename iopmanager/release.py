"""A fingerprint of the project. It changes whenever the code or a template changes."""

from functools import cache
from hashlib import blake2b
from pathlib import Path

import django
from django.conf import settings

SOURCE_FOLDERS = (
    "timekeeping", "accounts", "patients", "scheduling", "attendance", "clinic_import", "iopmanager", "templates",
)  # fmt: skip
SOURCE_SUFFIXES = {".py", ".html", ".txt"}


def compute_fingerprint(root: Path) -> str:
    """Return a hash of the source files under `root` and of Django's version."""
    digest = blake2b(django.get_version().encode(), digest_size=16)
    for part in SOURCE_FOLDERS:
        for path in sorted((root / part).rglob("*")):
            if path.suffix in SOURCE_SUFFIXES:
                content = path.read_bytes()
                digest.update(f"{path.relative_to(root)} {len(content)} ".encode())
                digest.update(content)
    return digest.hexdigest()


@cache
def fingerprint() -> str:
    """Return the fingerprint of the running code. Each process reads the source files only once."""
    return compute_fingerprint(settings.BASE_DIR)
