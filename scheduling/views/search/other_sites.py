"""What is found at the other sites that a patient can reach, beside what is found at their own."""

from dataclasses import dataclass
from datetime import date
from urllib.parse import urlencode

from django.urls import reverse

from accounts.models import User
from patients.models import Episode
from scheduling.domain.search.schedules import MAX_SCHEDULES, find_schedules
from scheduling.models import Site
from scheduling.services.search.other_sites import SiteOffers, offers_at_other_sites
from scheduling.views.search.schedule_cards import ScheduleCard, schedule_cards


@dataclass(frozen=True)
class OtherSiteResult:
    """Another site: how many schedules fit there, at most so many as are looked for, and the best; none if none does."""

    site: Site
    number: int
    best: ScheduleCard | None
    way_in: str

    @property
    def is_best_of_more(self) -> bool:
        return self.number == MAX_SCHEDULES


def search_other_sites(episode: Episode, from_day: date, user: User) -> list[OtherSiteResult]:
    """For each other site in reach; what is found there leads over the move of the patient to the way in."""
    return [_search_site(each, episode) for each in offers_at_other_sites(episode=episode, from_day=from_day, by=user)]


def _search_site(there: SiteOffers, episode: Episode) -> OtherSiteResult:
    cards = schedule_cards(find_schedules(there.offers, there.need), there.offers)
    best = cards[0] if cards else None
    move = {"to": str(there.site.pk)}
    if best is not None:
        enroll = reverse("enroll", args=[episode.patient_id, best.schedule.offer.key])
        move["next"] = f"{enroll}?{best.way_in}"
    way_in = f"{reverse('site-transfer', args=[episode.patient_id])}?{urlencode(move)}"
    return OtherSiteResult(there.site, len(cards), best, way_in)
