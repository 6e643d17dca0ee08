"""Keep uploaded files in memory, so that they are never written to disk."""

from io import BytesIO
from typing import Any

from django.core.files.uploadedfile import InMemoryUploadedFile
from django.core.files.uploadhandler import FileUploadHandler

from accounts.models import User
from patients.domain.calendar_files import MAX_BYTES

MAX_IMPORT_BYTES = 20 * 1024 * 1024
"""Maximum size in bytes of all files that a staff member uploads for one import."""
LARGE_UPLOADS = {"imports": MAX_IMPORT_BYTES}
"""Map the URL names of pages to which staff can upload larger files to their limits in bytes."""


class InMemoryUploadHandler(FileUploadHandler):
    """Keep uploaded files in memory, up to a limit for all files of a form. Bytes beyond it are counted but not stored.

    Forms see the full size, so they can refuse a file that is too large. Django's own handlers write large files to a
    temporary folder. They also refuse a whole request that is too large; the other fields of the form would then be
    lost.
    """

    def handle_raw_input(self, *args: Any, **kwargs: Any) -> None:
        self.left = self._limit() + 1

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        super().new_file(*args, **kwargs)
        self.file = BytesIO()

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        self.left -= self.file.write(raw_data[: self.left])

    def _limit(self) -> int:
        page = self.request.resolver_match.url_name if self.request and self.request.resolver_match else None
        user = getattr(self.request, "user", None)
        if page is None or not isinstance(user, User) or not user.has_any_role:
            return MAX_BYTES
        return LARGE_UPLOADS.get(page, MAX_BYTES)

    def file_complete(self, file_size: int) -> InMemoryUploadedFile:
        self.file.seek(0)
        return InMemoryUploadedFile(
            file=self.file,
            field_name=self.field_name,
            name=self.file_name,
            content_type=self.content_type,
            size=file_size,
            charset=self.charset,
            content_type_extra=self.content_type_extra,
        )
