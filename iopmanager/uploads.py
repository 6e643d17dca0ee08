"""Keep uploaded files in memory, so that they are never written to disk."""

from io import BytesIO
from typing import Any

from django.core.files.uploadedfile import InMemoryUploadedFile
from django.core.files.uploadhandler import FileUploadHandler

from patients.domain.calendar_files import MAX_BYTES


class InMemoryUploadHandler(FileUploadHandler):
    """Keep each uploaded file in memory, up to a size limit. Bytes beyond the limit are counted but not stored.

    Forms see the full size, so they can refuse a file that is too large. Django's own handlers write large files to a
    temporary folder. They also refuse a whole request that is too large; the other fields of the form would then be
    lost.
    """

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        super().new_file(*args, **kwargs)
        self.file = BytesIO()

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        left = MAX_BYTES + 1 - self.file.tell()
        if left > 0:
            self.file.write(raw_data[:left])

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
