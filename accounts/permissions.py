"""Who may do what: an enum of permissions, and a table of the permissions that each role grants.

A permission says what a role may do at a site. Each model's `visible_to` says *which rows* a person may see.
"""

from enum import StrEnum

from django.db.models import TextChoices


class Role(TextChoices):
    """The role of a member of staff at a site; one person can have several."""

    ADMINISTRATOR = "administrator", "Administrator"
    COORDINATOR = "coordinator", "Coordinator"
    CLINICIAN = "clinician", "Clinician"
    REVIEWER = "reviewer", "Reviewer"


class Permission(StrEnum):
    """One action, or one kind of data that may be seen."""

    MANAGE_SITE = "manage_site"
    """Sites, rules, rooms and staff."""
    SEE_TIMETABLE = "see_timetable"
    """Tracks, meetings and dated sessions, without the people in them."""
    MANAGE_TIMETABLE = "manage_timetable"
    """Tracks, meetings, sessions and closures."""
    CHANGE_OWN_SESSIONS = "change_own_sessions"
    """The room and the substitutes of the sessions that the person leads or assists in."""
    KEEP_OWN_HOURS = "keep_own_hours"
    """The person's own hours for individual sessions."""
    SEE_PATIENTS = "see_patients"
    """Every patient of the site."""
    SEE_OWN_PATIENTS = "see_own_patients"
    """The patients in the person's own groups."""
    SEE_COMMITMENTS = "see_commitments"
    MANAGE_PATIENTS = "manage_patients"
    """Patients, commitments, episodes, enrollments, calendars."""
    MARK = "mark"
    """Record attendance in any session of the site."""
    MARK_OWN = "mark_own"
    FINALIZE_OWN = "finalize_own"
    AMEND = "amend"
    AMEND_OWN = "amend_own"
    SEE_HOURS = "see_hours"
    """The weekly hours of the patients that the person may see."""
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
            Permission.MARK_OWN,
            Permission.FINALIZE_OWN,
            Permission.AMEND_OWN,
            Permission.SEE_HOURS,
        }
    ),
    Role.REVIEWER: frozenset({Permission.SEE_TIMETABLE, Permission.SEE_PATIENTS, Permission.SEE_HOURS}),
}
