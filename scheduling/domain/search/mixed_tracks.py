"""Attending meetings of several tracks: which go together, and in which of them a patient stands."""

from collections.abc import Iterable, Sequence

from scheduling.domain.hours.rules import WeeklyMeeting
from scheduling.domain.search.need import Offer
from scheduling.domain.search.obstacles import MoreOfAnotherTrack


def home_track(offers: Iterable[Offer], choice: Iterable[WeeklyMeeting]) -> Offer:
    """In which of the tracks a patient stands who attends these meetings: the one that has most of them, then by name.

    Raises ValueError without a track.
    """
    chosen = {meeting.key for meeting in choice}
    return min(offers, key=lambda offer: (-len(chosen & offer.keys), offer.name, str(offer.key)))


def check_home_track(
    offer: Offer, others: Sequence[Offer], choice: Sequence[WeeklyMeeting]
) -> Iterable[MoreOfAnotherTrack]:
    """Who attends more of another track's meetings stands in that one: its waiting list and its end are theirs to know of.

    Of two with as many the patient may stand in either. Each offer has its own meetings alone. (The product's own choice.)
    """
    home, chosen = home_track([offer, *others], choice), {meeting.key for meeting in choice}
    if len(home.keys & chosen) > len(offer.keys & chosen):
        yield MoreOfAnotherTrack(home.name)
