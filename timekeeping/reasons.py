"""The base of all reasons that a verdict can carry, and the exception that carries them."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import ClassVar

Key = int | str


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason against something, with its numbers. Templates choose their text by `code`."""

    code: ClassVar[str] = ""


class Refused(Exception):
    """Raised when an action is not allowed; nothing was written. `reasons` are all the reasons against it, as values."""

    def __init__(self, reasons: Iterable[Reason]) -> None:
        self.reasons = tuple(reasons)
        super().__init__(", ".join(reason.code for reason in self.reasons))


def refuse_if_any(reasons: Iterable[Reason]) -> None:
    """Raise Refused with all distinct reasons; do nothing if there are none."""
    distinct = tuple(dict.fromkeys(reasons))
    if distinct:
        raise Refused(distinct)


@dataclass(frozen=True, slots=True)
class EndDateBeforeStart(Reason):
    """The requested end date is before the start date."""

    code: ClassVar[str] = "ends_before_it_begins"
    begins: date
    asked: date


@dataclass(frozen=True, slots=True)
class AlreadyEnded(Reason):
    """A meeting, an enrollment, an episode of care or a closure is over already, or will be by the day in question."""

    code: ClassVar[str] = "already_ended"
    what: str
    last_day: date
