"""The reasons that a verdict can bring, each with its numbers; templates find the words by `code`."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import ClassVar

Key = int | str


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason against a set of meetings. `code` is what templates choose their words by."""

    code: ClassVar[str] = ""


class Refused(Exception):
    """Nothing was written. `reasons` are all that stood against it, as values; templates find the words."""

    def __init__(self, reasons: Iterable[Reason]) -> None:
        self.reasons = tuple(reasons)
        super().__init__(", ".join(reason.code for reason in self.reasons))


def refuse_if_any(reasons: Iterable[Reason]) -> None:
    """Raises Refused with every reason, each said once; does nothing where there is none."""
    found = tuple(dict.fromkeys(reasons))
    if found:
        raise Refused(found)


@dataclass(frozen=True, slots=True)
class EndDateBeforeStart(Reason):
    """The day asked for as an end lies before the beginning."""

    code: ClassVar[str] = "ends_before_it_begins"
    begins: date
    asked: date
