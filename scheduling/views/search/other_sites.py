"""Search for schedules at the other sites that a patient can reach."""

from dataclasses import dataclass
from datetime import date, datetime
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
    """The result for another site: how many schedules fit there, the best one, and the link to the site transfer."""

    site: Site
    number: int
    best: ScheduleCard | None
    url: str

    @property
    def is_best_of_more(self) -> bool:
        return self.number == MAX_SCHEDULES


def search_other_sites(episode: Episode, from_day: date, user: User, now: datetime) -> list[OtherSiteResult]:
    """Search the other sites that the patient can reach. Each result links to the site transfer.

    After the transfer, the enrollment page opens with the best schedule of that site, if one fits.
    """
    there = offers_at_other_sites(episode=episode, from_day=from_day, by=user, now=now)
    return [_search_site(each, episode) for each in there]


def _search_site(there: SiteOffers, episode: Episode) -> OtherSiteResult:
    cards = schedule_cards(find_schedules(there.offers, there.need), there.offers)
    best = cards[0] if cards else None
    query = {"to": str(there.site.pk)}
    if best is not None:
        enroll = reverse("enroll", args=[episode.patient_id, best.schedule.offer.key])
        query["next"] = f"{enroll}?{best.enroll_query}"
    url = f"{reverse('site-transfer', args=[episode.patient_id])}?{urlencode(query)}"
    return OtherSiteResult(there.site, len(cards), best, url)
