"""What each role may do: an enum of permissions, and a table of the permissions that each role grants.

A permission says what a role may do at a site. Each model's `visible_to` says *which rows* a person may see.
"""

from enum import StrEnum

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class Role(TextChoices):
    """A staff member's role at a site. One person can have several roles."""

    ADMINISTRATOR = "administrator", _("Administrator")
    COORDINATOR = "coordinator", _("Coordinator")
    CLINICIAN = "clinician", _("Clinician")
    REVIEWER = "reviewer", _("Reviewer")


class Permission(StrEnum):
    """Permission to perform an action or to see one kind of data."""

    MANAGE_SITE = "manage_site"
    """Manage sites, rules, rooms and staff."""
    SEE_TIMETABLE = "see_timetable"
    """See tracks, meetings and dated sessions, but not the patients in them."""
    MANAGE_TIMETABLE = "manage_timetable"
    """Manage tracks, meetings, sessions and closures."""
    CHANGE_OWN_SESSIONS = "change_own_sessions"
    """Change the room and facilitators of sessions that the user leads or assists in."""
    KEEP_OWN_HOURS = "keep_own_hours"
    """Set the user's own hours for individual sessions."""
    SEE_PATIENTS = "see_patients"
    """See all patients of the site."""
    SEE_OWN_PATIENTS = "see_own_patients"
    """See the patients in the user's own groups."""
    SEE_COMMITMENTS = "see_commitments"
    MANAGE_PATIENTS = "manage_patients"
    """Manage patients, and the commitments, episodes of care, enrollments and calendars of these patients."""
    PRESCRIBE_OUTSIDE_RULES = "prescribe_outside_rules"
    """Record a prescription outside the weekly-hours rules of the site, with the reason for the exception."""
    MARK = "mark"
    """Record attendance in any session of the site."""
    MARK_OWN = "mark_own"
    FINALIZE_OWN = "finalize_own"
    AMEND = "amend"
    AMEND_OWN = "amend_own"
    SEE_HOURS = "see_hours"
    """See the weekly hours of the patients that the user may see."""
    SEE_TRAIL = "see_trail"


GRANTS: dict[Role, frozenset[Permission]] = {
    Role.ADMINISTRATOR: frozenset(
        {
            Permission.MANAGE_SITE,
            Permission.SEE_TIMETABLE,
            Permission.MANAGE_TIMETABLE,
            Permission.SEE_TRAIL,
        }
    ),
    Role.COORDINATOR: frozenset(
        {
            Permission.SEE_TIMETABLE,
            Permission.MANAGE_TIMETABLE,
            Permission.SEE_PATIENTS,
            Permission.SEE_COMMITMENTS,
            Permission.MANAGE_PATIENTS,
            Permission.PRESCRIBE_OUTSIDE_RULES,
            Permission.MARK,
            Permission.AMEND,
            Permission.SEE_HOURS,
        }
    ),
    Role.CLINICIAN: frozenset(
        {
            Permission.SEE_TIMETABLE,
            Permission.CHANGE_OWN_SESSIONS,
            Permission.KEEP_OWN_HOURS,
            Permission.SEE_OWN_PATIENTS,
            Permission.SEE_COMMITMENTS,
            Permission.PRESCRIBE_OUTSIDE_RULES,
            Permission.MARK_OWN,
            Permission.FINALIZE_OWN,
            Permission.AMEND_OWN,
            Permission.SEE_HOURS,
        }
    ),
    Role.REVIEWER: frozenset({Permission.SEE_TIMETABLE, Permission.SEE_PATIENTS, Permission.SEE_HOURS}),
}
