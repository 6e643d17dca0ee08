"""What other apps do when bookings are written, in the same transaction and under the same site lock.

A patient on leave who is booked must be excused at once, but leaves are excused by `attendance`, which `scheduling` may
not import. So `attendance` registers what it does here, and the functions that write bookings run it as their last step:
no service that books somebody can forget it.
"""

from collections.abc import Collection
from datetime import datetime
from typing import Protocol

from scheduling.models import Site


class AfterBooking(Protocol):
    """What an app does after bookings were inserted, restored or moved to another time."""

    def __call__(self, *, site: Site, episode_ids: Collection[int], now: datetime) -> object:
        """Update the app's own data for the new bookings of these episodes at the site, which the caller has locked."""


_registered: list[AfterBooking] = []


def register_after_booking(handler: AfterBooking) -> None:
    """Have `handler` run after every booking. An app's `ready` calls this; a second time changes nothing."""
    if handler not in _registered:
        _registered.append(handler)


def registered_after_booking() -> tuple[AfterBooking, ...]:
    """Return the handlers in the order in which they were registered."""
    return tuple(_registered)


def run_after_booking(*, site: Site, episode_ids: Collection[int], now: datetime) -> None:
    """Run every handler for the patients whose bookings were written; nothing happens if there are none."""
    if episode_ids:
        for handler in _registered:
            handler(site=site, episode_ids=episode_ids, now=now)
