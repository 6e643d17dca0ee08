"""The base of all reasons that a verdict can carry, and the exception that carries them."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import ClassVar

Key = int | str


def class_code(named: type) -> str:
    """The class name in snake case: "too_few_minutes" for TooFewMinutes."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", named.__name__).lower()


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason against something, with its numbers.

    `code` is the class name in snake case (`TooFewMinutes.code` is "too_few_minutes"), unless the class sets another, as
    those do whose code is public in docs/fit-json.md. The text is the template partial of that name (docs/pages.md).
    """

    code: ClassVar[str] = ""

    def __init_subclass__(cls) -> None:
        if "code" not in vars(cls):
            cls.code = class_code(cls)


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

    begins: date
    asked: date


@dataclass(frozen=True, slots=True)
class AlreadyEnded(Reason):
    """A meeting, an enrollment, an episode of care or a closure is over already, or will be by the day in question."""

    what: str
    last_day: date
