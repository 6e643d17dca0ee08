"""Pack uploaded files into one encrypted value of a database column."""

import json
import zlib
from collections.abc import Sequence

from accounts.services.sealed_text import seal_bytes, unseal_bytes

UploadedFiles = Sequence[tuple[str, bytes]]
"""The names and the contents of files."""


def pack_files(files: UploadedFiles) -> bytes:
    """Return the files, compressed and encrypted."""
    names = json.dumps([[name, len(content)] for name, content in files]).encode()
    return seal_bytes(zlib.compress(names + b"\n" + b"".join(content for _name, content in files)))


def unpack_files(packed: bytes) -> UploadedFiles:
    """Return the files that `pack_files` packed. Raises CannotUnseal if the server no longer has the key."""
    names, _, rest = zlib.decompress(unseal_bytes(packed)).partition(b"\n")
    files = []
    at = 0
    for name, length in json.loads(names):
        files.append((str(name), rest[at : at + length]))
        at += length
    return files
