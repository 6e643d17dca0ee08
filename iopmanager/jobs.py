"""The list of all nightly jobs. Jobs that are due at the same time run in this order."""

from datetime import time

from accounts.jobs import Job, clear_sessions
from attendance.jobs import update_site_excuses
from patients.jobs import delete_expired_calendars
from scheduling.jobs import extend_horizon_at

NIGHTLY = (
    Job("extend_horizon", "Sessions of the weeks ahead", extend_horizon_at, at=time(2, 15), per_site=True),
    Job("excuse_leaves", "Excuses of leaves of absence", update_site_excuses, at=time(2, 15), per_site=True),
    Job("clear_sessions", "Forgetting sign-ins that have ended", clear_sessions, at=time(9), per_site=False),
    Job(
        "forget_calendars",
        "Forgetting calendar files that nobody kept",
        delete_expired_calendars,
        at=time(9),
        per_site=False,
    ),
)
