"""What a new clinic has set up so far, and what it still needs before its first patient can be enrolled."""

from dataclasses import dataclass

from django.db.models import Exists, OuterRef

from accounts.models import RoleAssignment, User
from accounts.permissions import Role
from patients.models import Patient
from scheduling.models import Room, RuleSet, Site, Track


@dataclass(frozen=True, slots=True)
class SiteProgress:
    """What a site has: rules for weekly hours, rooms, clinicians, coordinators, a published track, and patients."""

    site: Site
    has_rules: bool
    has_rooms: bool
    has_clinicians: bool
    has_coordinators: bool
    has_published_track: bool
    has_patients: bool

    @property
    def is_complete(self) -> bool:
        """Whether nothing is missing."""
        return all(
            (
                self.has_rules,
                self.has_rooms,
                self.has_clinicians,
                self.has_coordinators,
                self.has_published_track,
                self.has_patients,
            )
        )


def site_progress(user: User) -> list[SiteProgress]:
    """Return the progress of every site at which the user works, in order of name. Runs one query."""

    def at_site(rows: object) -> Exists:
        return Exists(rows)  # type: ignore[arg-type]  # querysets of different models

    here = OuterRef("pk")
    active = RoleAssignment.objects.filter(site=here, user__is_active=True)
    sites = Site.objects.worked_at_by(user).annotate(
        has_rules=at_site(RuleSet.objects.filter(site=here)),
        has_rooms=at_site(Room.objects.filter(site=here)),
        has_clinicians=at_site(active.filter(role=Role.CLINICIAN)),
        has_coordinators=at_site(active.filter(role=Role.COORDINATOR)),
        has_published_track=at_site(Track.objects.filter(site=here).published()),
        has_patients=at_site(Patient.objects.filter(site=here)),
    )
    fields = ("has_rules", "has_rooms", "has_clinicians", "has_coordinators", "has_published_track", "has_patients")
    return [SiteProgress(site, *(getattr(site, field) for field in fields)) for site in sites.order_by("name", "pk")]
