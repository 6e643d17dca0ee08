"""The sites that a patient can reach, and what is on offer at each."""

from dataclasses import dataclass
from datetime import date

from accounts.models import User
from patients.models import Episode, PlaceTravel
from scheduling.domain.search.need import Need, Offer
from scheduling.models import Enrollment, Site
from scheduling.services.search.queries import PatientAvailability, offers_at, settled_sessions


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteOffers:
    """What a site has on offer from a day on, and what the patient brings there, by its clock, its rules and the way to it."""

    site: Site
    offers: tuple[Offer, ...]
    need: Need


def reachable_sites(*, episode: Episode, by: User) -> tuple[Site, ...]:
    """The episode's own site first, then by name those to which a way from one of the patient's places is stated, and whose
    patients this person may manage; one query.
    """
    ways = PlaceTravel.objects.filter(place__patient=episode.patient_id).exclude(site=episode.site_id)
    others = Site.objects.filter(pk__in=ways.order_by().values("site")).managing_patients(by)
    return (episode.site, *others.order_by("name", "pk"))


def offers_for(
    *, episode: Episode, from_day: date, by: User, leaves: Enrollment | None = None
) -> tuple[SiteOffers, ...]:
    """What is on offer from the day at each site that the patient can reach, as if the place that they leave were over; as many
    queries for each site.

    Reads the episode's site, patient and prefetched spans. Raises Refused as `need_of` does.
    """
    sites = reachable_sites(episode=episode, by=by)
    return tuple(_site_offers(site, episode=episode, from_day=from_day, leaves=leaves) for site in sites)


def offers_at_other_sites(*, episode: Episode, from_day: date, by: User) -> tuple[SiteOffers, ...]:
    """The same, but for the episode's own site: one query where no other is in reach."""
    _, *others = reachable_sites(episode=episode, by=by)
    return tuple(_site_offers(site, episode=episode, from_day=from_day) for site in others)


def _site_offers(site: Site, *, episode: Episode, from_day: date, leaves: Enrollment | None = None) -> SiteOffers:
    return SiteOffers(
        site=site,
        need=PatientAvailability.of(site, [episode], from_day, apart_from=[leaves] if leaves else []).need(
            episode, from_day
        ),
        offers=offers_at(site=site, from_day=from_day, apart_from=settled_sessions(episode, of=leaves)),
    )
