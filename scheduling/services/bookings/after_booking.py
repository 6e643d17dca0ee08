"""Handlers that other apps register. They run after bookings are written, in the same transaction and under the same lock.

A patient on leave who gets a booking must be excused immediately. The `attendance` app excuses patients, but
`scheduling` must not import `attendance`. So `attendance` registers a handler here, and every function that writes
bookings runs the handlers as its last step.
"""

from collections.abc import Collection
from datetime import datetime
from typing import Protocol

from scheduling.models import Site


class AfterBooking(Protocol):
    """A handler that runs after bookings are created, restored or moved to another time."""

    def __call__(self, *, site: Site, episode_ids: Collection[int], now: datetime) -> object:
        """Update the app's own data for the new bookings of these episodes. The caller has locked the site."""


_registered: list[AfterBooking] = []


def register_after_booking(handler: AfterBooking) -> None:
    """Register a handler to run whenever bookings are written. Apps call this in `ready`.

    Registering the same handler again has no effect.
    """
    if handler not in _registered:
        _registered.append(handler)


def registered_after_booking() -> tuple[AfterBooking, ...]:
    """Return the handlers in the order in which they were registered."""
    return tuple(_registered)


def run_after_booking(*, site: Site, episode_ids: Collection[int], now: datetime) -> None:
    """Run every handler for the episodes whose bookings were written. Does nothing if there are no episodes."""
    if episode_ids:
        for handler in _registered:
            handler(site=site, episode_ids=episode_ids, now=now)
