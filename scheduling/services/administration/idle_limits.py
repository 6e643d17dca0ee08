"""After how long without activity a person is signed out."""

from datetime import timedelta

from django.conf import settings
from django.db.models import Min, Q

from accounts.models import RoleAssignment, User
from patients.models import Delegate
from scheduling.models import Site


def longest_pause_of(user: User) -> timedelta:
    """Return after how long without activity the user is signed out.

    The result is the shortest of these times:

    - the time in the settings: one for staff, one for patients and delegates
    - the times that the user's sites have set

    A staff member's sites are those where the person has a role. A delegate's sites are those of the patients.
    """
    # Read from the database, because the caller's user may have cached roles from before a change.
    at = list(RoleAssignment.objects.filter(user=user).order_by().values_list("site", flat=True))
    delegations = Delegate.objects.open().filter(user=user)
    sites = Site.objects.filter(Q(patients__user=user) | Q(patients__delegates__in=delegations))
    if at:
        sites = Site.objects.all() if None in at else Site.objects.filter(pk__in=at)
    usual: float = settings.STAFF_IDLE_MINUTES if at else settings.PATIENT_IDLE_MINUTES
    chosen = sites.aggregate(shortest=Min("idle_minutes"))["shortest"]
    return timedelta(minutes=usual if chosen is None else min(usual, chosen))
