"""The list of all nightly jobs. Jobs that are due at the same time run in this order."""

from datetime import time

from django.utils.translation import gettext_lazy as _

from accounts.jobs import Job, clear_sessions, clear_tasks
from attendance.jobs import update_site_excuses
from clinic_import.jobs import delete_old_imports
from patients.jobs import delete_expired_calendars
from scheduling.jobs import extend_horizon_at

NIGHTLY = (
    Job("extend_horizon", _("Add sessions for the weeks ahead"), extend_horizon_at, at=time(2, 15), per_site=True),
    Job("excuse_leaves", _("Update excused absences for leaves"), update_site_excuses, at=time(2, 15), per_site=True),
    Job("clear_sessions", _("Delete expired sign-ins"), clear_sessions, at=time(9), per_site=False),
    Job("clear_tasks", _("Delete old background tasks"), clear_tasks, at=time(9), per_site=False),
    Job(
        "forget_calendars",
        _("Delete unused calendar files"),
        delete_expired_calendars,
        at=time(9),
        per_site=False,
    ),
    Job("forget_imports", _("Delete files of imports"), delete_old_imports, at=time(9), per_site=False),
)
