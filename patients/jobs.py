"""Nightly deletion of patients' data that is no longer needed."""

from django.tasks import task

from iopmanager import clock
from patients.models import ImportedCalendar


@task
def delete_expired_calendars() -> str:
    """Delete calendar files that nobody saved and those that were declined long ago, and report how many."""
    expired = ImportedCalendar.objects.expired(clock.now())
    number = expired.count()
    expired.delete()
    return f"{number} forgotten." if number else "Nothing was to be forgotten."
