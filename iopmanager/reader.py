"""Who reads a text decides how it is written: in which language, and with a 12-hour or a 24-hour clock.

The language is the one that Django has activated. The clock stands beside it, in a context variable, and is looked up
only when the first time of day is written.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from django.db import models
from django.utils.translation import gettext_lazy as _


class HourClock(models.TextChoices):
    """How times of day are written."""

    TWELVE = "12", _("12-hour (5:30 PM)")
    TWENTY_FOUR = "24", _("24-hour (17:30)")


_hour_clock: ContextVar[Callable[[], str]] = ContextVar("hour_clock", default=lambda: HourClock.TWELVE)


@contextmanager
def hour_clock_of(reader: Callable[[], str]) -> Iterator[None]:
    """Write times with the clock that `reader` returns, within the block."""
    token = _hour_clock.set(reader)
    try:
        yield
    finally:
        _hour_clock.reset(token)


def uses_24_hours() -> bool:
    """Whether times of day are now written with 24 hours. The default is 12, as in US English and US Spanish."""
    return _hour_clock.get()() == HourClock.TWENTY_FOUR
