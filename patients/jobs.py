"""Nightly job that deletes calendars that are no longer needed."""

from django.tasks import task
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from iopmanager import clock
from patients.models import ImportedCalendar


@task
def delete_expired_calendars() -> str:
    """Delete calendars that were previewed but not saved in time, and calendars that were declined long ago.

    Return a sentence that says how many calendars were deleted.
    """
    expired = ImportedCalendar.objects.expired(clock.now())
    number = expired.count()
    expired.delete()
    if not number:
        return _("There was nothing to delete.")
    text = ngettext("%(number)d calendar file deleted.", "%(number)d calendar files deleted.", number)
    return text % {"number": number}
