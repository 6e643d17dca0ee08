"""Choose the 12-hour or 24-hour clock for times of day in a text, depending on who reads the text.

A function in a context variable chooses the clock. The function is called only when a time of day is written.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from django.db import models
from django.utils.translation import gettext_lazy as _


class HourClock(models.TextChoices):
    """The clock with which times of day are written."""

    TWELVE = "12", _("12-hour (5:30 PM)")
    TWENTY_FOUR = "24", _("24-hour (17:30)")


_hour_clock: ContextVar[Callable[[], str]] = ContextVar("hour_clock", default=lambda: HourClock.TWELVE)


@contextmanager
def hour_clock_of(reader: Callable[[], str]) -> Iterator[None]:
    """Inside the `with` block, times of day are written with the clock that the function `reader` returns."""
    token = _hour_clock.set(reader)
    try:
        yield
    finally:
        _hour_clock.reset(token)


def uses_24_hours() -> bool:
    """Whether times of day are currently written with a 24-hour clock. The default is a 12-hour clock, as usual in the US."""
    return _hour_clock.get()() == HourClock.TWENTY_FOUR
