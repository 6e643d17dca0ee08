"""Reasons that marking, finalizing and amending share."""

from dataclasses import dataclass

from timekeeping.reasons import Reason


@dataclass(frozen=True, slots=True)
class AlreadyFinalized(Reason):
    """The session is finalized: its marks change only by an amendment."""


@dataclass(frozen=True, slots=True)
class ChangedMeanwhile(Reason):
    """Somebody else changed the record after the person loaded the page."""
