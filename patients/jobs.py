"""Nightly job that deletes calendars that are no longer needed."""

from django.tasks import task

from iopmanager import clock
from patients.models import ImportedCalendar


@task
def delete_expired_calendars() -> str:
    """Delete calendars that were never saved or were declined long ago, and report how many."""
    expired = ImportedCalendar.objects.expired(clock.now())
    number = expired.count()
    expired.delete()
    return f"{number} forgotten." if number else "Nothing was to be forgotten."
