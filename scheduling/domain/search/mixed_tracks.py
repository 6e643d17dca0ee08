"""Decide in which track to enroll a patient who attends meetings of several tracks."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from scheduling.domain.hours.rules import WeeklyMeeting
from scheduling.domain.search.need import Offer
from timekeeping.reasons import Reason


@dataclass(frozen=True, slots=True)
class MoreOfAnotherTrack(Reason):
    """Another track, named `track`, has more of the chosen meetings. The patient should be enrolled in that track."""

    track: str


def home_track(offers: Iterable[Offer], choice: Iterable[WeeklyMeeting]) -> Offer:
    """Return the track to enroll in: the one with the most of the chosen meetings. Ties go to the first by name.

    Raises ValueError if there are no offers.
    """
    chosen = {meeting.key for meeting in choice}
    return min(offers, key=lambda offer: (-len(chosen & offer.keys), offer.name, str(offer.key)))


def check_home_track(
    offer: Offer, others: Sequence[Offer], choice: Sequence[WeeklyMeeting]
) -> Iterable[MoreOfAnotherTrack]:
    """Yield a reason if another track has more of the chosen meetings than `offer`.

    Patients are enrolled in the track of which they attend the most meetings (product rule). In a tie, either track is
    allowed. Each offer must have only its own track's meetings.
    """
    home, chosen = home_track([offer, *others], choice), {meeting.key for meeting in choice}
    if len(home.keys & chosen) > len(offer.keys & chosen):
        yield MoreOfAnotherTrack(home.name)
