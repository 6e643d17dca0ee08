"""Brings rows to the search for repairs: what would have to give way so that a schedule fits."""

from datetime import date

from patients.models import Episode
from scheduling.domain.repairs import Repair, repairs
from scheduling.models import Enrollment
from scheduling.services.fitting import need_of, offers_at, settled_for


def repairs_for(*, episode: Episode, from_day: date, leaves: Enrollment | None = None) -> tuple[Repair, ...]:
    """What would make something fit from the day on, what asks least first; nothing when something fits as it is.

    It is asked as if the place in the track that the patient `leaves` were over, and that track is no answer. Raises Refused as
    `need_of` does.
    """
    need = need_of(episode=episode, from_day=from_day, apart_from=leaves)
    offers = offers_at(site=episode.site, from_day=from_day, apart_from=settled_for(episode, of=leaves))
    return repairs((offer for offer in offers if leaves is None or offer.key != leaves.track_id), need)
