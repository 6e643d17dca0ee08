"""Nightly job that deletes the files of old imports."""

from django.tasks import task
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from clinic_import.services.imports import delete_old_contents
from iopmanager import clock


@task
def delete_old_imports() -> str:
    """Delete the files and details of imports that have been inactive for a day. Return a sentence with their number."""
    number = delete_old_contents(now=clock.now())
    if not number:
        return _("There was nothing to delete.")
    text = ngettext(
        "The files of %(number)d import were deleted.", "The files of %(number)d imports were deleted.", number
    )
    return text % {"number": number}
