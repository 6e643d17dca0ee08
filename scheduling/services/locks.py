"""Locks that last until the transaction ends: of a site, its meetings and its sessions."""

from collections.abc import Collection

from scheduling.models import Meeting, Session, Site
from scheduling.models.session import SessionQuerySet


def lock_site(site_id: int) -> None:
    """Until the transaction ends nobody else changes the site's timetable or its bookings.

    Every service takes this lock before any other. So changes to a site happen one after the other, a preview shows what the
    change finds, and two transactions never wait for each other.
    """
    Site.objects.select_for_update(no_key=True).get(pk=site_id)


def lock_meetings(meeting_ids: Collection[int]) -> None:
    """Lock the meetings, so that no other transaction changes them or enrolls anyone in them until this one ends."""
    list(Meeting.objects.select_for_update(no_key=True).filter(pk__in=meeting_ids).order_by("pk"))


def lock_sessions(sessions: SessionQuerySet) -> list[Session]:
    """Lock sessions until the transaction ends, and return them as they are.

    They are locked in the order of their ids, so that two transactions never wait for each other.
    """
    return list(sessions.select_for_update(of=("self",), no_key=True).order_by("pk"))
