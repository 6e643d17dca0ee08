"""Locks on a site, its meetings and its sessions. All locks last until the transaction ends."""

from collections.abc import Collection

from scheduling.models import Meeting, Session, Site
from scheduling.models.session import SessionQuerySet


def lock_site(site_id: int) -> None:
    """Lock the site until the transaction ends, so that no one else changes the site's timetable or bookings.

    Every service that makes such changes takes this lock before any other lock, so two transactions can't deadlock.
    Changes to a site happen one after another, and a preview sees the same data as the change.
    """
    Site.objects.select_for_update(no_key=True).get(pk=site_id)


def lock_meetings(meeting_ids: Collection[int]) -> None:
    """Lock the meetings until the transaction ends, so that no one else changes them or enrolls patients in them."""
    list(Meeting.objects.select_for_update(no_key=True).filter(pk__in=meeting_ids).order_by("pk"))


def lock_sessions(sessions: SessionQuerySet) -> list[Session]:
    """Lock the sessions until the transaction ends, and return their current state.

    The sessions are locked in order of id, so that two transactions can't deadlock.
    """
    return list(sessions.select_for_update(of=("self",), no_key=True).order_by("pk"))
