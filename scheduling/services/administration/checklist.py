"""What a new clinic has set up so far, and what it still needs before its first patient can be enrolled."""

from dataclasses import dataclass, fields

from django.db.models import Exists, OuterRef

from accounts.models import RoleAssignment, User
from accounts.permissions import Role
from patients.models import Patient
from scheduling.models import Room, RuleSet, Site, Track


@dataclass(frozen=True, slots=True)
class SiteProgress:
    """Whether a site has rules for weekly hours, rooms, clinicians, coordinators, a published track, and patients."""

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
        return all(getattr(self, field.name) for field in fields(self))


def site_progress(user: User) -> list[SiteProgress]:
    """Return the progress of each of the user's sites, sorted by name. Runs one query for any number of sites."""
    here = OuterRef("pk")
    active = RoleAssignment.objects.filter(site=here, user__is_active=True)
    progress = {
        "has_rules": Exists(RuleSet.objects.filter(site=here)),
        "has_rooms": Exists(Room.objects.filter(site=here)),
        "has_clinicians": Exists(active.filter(role=Role.CLINICIAN)),
        "has_coordinators": Exists(active.filter(role=Role.COORDINATOR)),
        "has_published_track": Exists(Track.objects.filter(site=here).published()),
        "has_patients": Exists(Patient.objects.filter(site=here)),
    }
    sites = Site.objects.worked_at_by(user).annotate(**progress).order_by("name", "pk")
    return [SiteProgress(site, **{name: getattr(site, name) for name in progress}) for site in sites]
