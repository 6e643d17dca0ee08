"""What becomes of a file while it is sent: it stays in memory, and never lies on a disk."""

from io import BytesIO
from typing import Any

from django.core.files.uploadedfile import InMemoryUploadedFile
from django.core.files.uploadhandler import FileUploadHandler

from patients.domain.calendar_files import MAX_BYTES


class InMemoryUploadHandler(FileUploadHandler):
    """Keeps as much of each file as any page reads, and counts the rest: its size says that it is larger.

    Django's own handlers write what is large to a folder for temporary files, and refuse too large a request as a whole, with
    whatever was typed beside the file.
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
