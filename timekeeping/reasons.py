"""The base class of all reasons against an action or a choice, and the exception that carries them."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import ClassVar

Key = int | str


def class_code(named: type) -> str:
    """Return the class name in snake case: "too_few_minutes" for TooFewMinutes."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", named.__name__).lower()


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason why an action or a choice is not possible, with the numbers that explain it.

    `code` is the class name in snake case: "too_few_minutes" for `TooFewMinutes`. A class can set another code, to keep
    a code that docs/fit-json.md publishes. The text for users is in the template partial that is named after the code
    (docs/pages.md).
    """

    code: ClassVar[str] = ""

    def __init_subclass__(cls) -> None:
        if "code" not in vars(cls):
            cls.code = class_code(cls)


class Refused(Exception):
    """An action is not allowed, and nothing was written. `reasons` lists all reasons against the action."""

    def __init__(self, reasons: Iterable[Reason]) -> None:
        self.reasons = tuple(reasons)
        super().__init__(", ".join(reason.code for reason in self.reasons))


class RefusedFields(Refused):
    """An action on several rows is not allowed. `by_field` maps the name of each row's form field to its reasons."""

    def __init__(self, by_field: Mapping[str, Sequence[Reason]]) -> None:
        self.by_field = dict(by_field)
        super().__init__(reason for reasons in by_field.values() for reason in reasons)


def refuse_if_any(reasons: Iterable[Reason]) -> None:
    """Raise Refused if there are any reasons; otherwise do nothing. Each distinct reason is included once."""
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
    """A meeting, an enrollment or a closure has already ended, or ends before the requested day."""

    what: str
    last_day: date


@dataclass(frozen=True, slots=True)
class EpisodeEnded(Reason):
    """The episode of care has already ended, or ends before the requested day."""

    last_day: date
