"""What is forgotten of patients every night."""

from django.tasks import task

from iopmanager import clock
from patients.models import ImportedCalendar


@task
def delete_expired_calendars() -> str:
    """Forgets what was understood of calendar files that nobody kept, and those that were declined long enough ago."""
    forgotten = ImportedCalendar.objects.expired(clock.now())
    number = forgotten.count()
    forgotten.delete()
    return f"{number} forgotten." if number else "Nothing was to be forgotten."
