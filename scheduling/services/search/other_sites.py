"""The other sites that a patient can reach, and the tracks that each one offers."""

from dataclasses import dataclass
from datetime import date, datetime

from accounts.models import User
from patients.models import Episode, PlaceTravel
from scheduling.domain.search.need import Need, Offer
from scheduling.models import Site
from scheduling.services.search.need import PatientAvailability
from scheduling.services.search.offers import offers_for_patient


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteOffers:
    """The tracks that a site offers to a patient, and the patient's need at this site.

    The need uses the site's time zone and rules, and the travel times to the site.
    """

    site: Site
    offers: tuple[Offer, ...]
    need: Need


def offers_at_other_sites(*, episode: Episode, from_day: date, by: User, now: datetime) -> tuple[SiteOffers, ...]:
    """Return what each other site offers the patient from `from_day` on. Sites out of reach are left out.

    Runs one query if there is no other site. Reads the episode's site, patient and prefetched spans. Raises Refused as
    `need_of` does.
    """
    _, *others = reachable_sites(episode=episode, by=by)
    return tuple(_site_offers(site, episode, from_day, now) for site in others)


def reachable_sites(*, episode: Episode, by: User) -> tuple[Site, ...]:
    """Return the episode's own site, then the other sites that the patient can reach, sorted by name. Runs one query.

    The patient can reach a site if one of the patient's places has a travel time to that site. Sites where `by` may not
    manage patients are left out.
    """
    travel = PlaceTravel.objects.filter(place__patient=episode.patient_id).exclude(site=episode.site_id)
    others = Site.objects.filter(pk__in=travel.order_by().values("site")).managing_patients(by)
    return (episode.site, *others.order_by("name", "pk"))


def _site_offers(site: Site, episode: Episode, from_day: date, now: datetime) -> SiteOffers:
    return SiteOffers(
        site=site,
        need=PatientAvailability.of(site, [episode], from_day).need(episode, from_day),
        offers=offers_for_patient(episode=episode, from_day=from_day, now=now, site=site),
    )
