"""Attending meetings of several tracks: in which of them the patient is enrolled."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from scheduling.domain.hours.rules import WeeklyMeeting
from scheduling.domain.search.need import Offer
from timekeeping.reasons import Reason


@dataclass(frozen=True, slots=True)
class MoreOfAnotherTrack(Reason):
    """Most of the chosen meetings belong to another track, named `track`: the patient should be enrolled there."""

    track: str


def home_track(offers: Iterable[Offer], choice: Iterable[WeeklyMeeting]) -> Offer:
    """Return the track to enroll in for these meetings: the one that has most of them, then by name.

    Raises ValueError without a track.
    """
    chosen = {meeting.key for meeting in choice}
    return min(offers, key=lambda offer: (-len(chosen & offer.keys), offer.name, str(offer.key)))


def check_home_track(
    offer: Offer, others: Sequence[Offer], choice: Sequence[WeeklyMeeting]
) -> Iterable[MoreOfAnotherTrack]:
    """Yield a reason if another track has more of the chosen meetings than the track `offer`.

    A patient belongs to the track that they mostly attend, because its waitlist and its end concern them. Of two tracks with
    equally many meetings, either will do (product rule). Each offer has its own meetings only.
    """
    home, chosen = home_track([offer, *others], choice), {meeting.key for meeting in choice}
    if len(home.keys & chosen) > len(offer.keys & chosen):
        yield MoreOfAnotherTrack(home.name)
