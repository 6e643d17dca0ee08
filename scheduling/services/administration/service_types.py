"""Types of service, which all sites share: add them, and change them."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import Exists, OuterRef

from accounts.audit import record
from accounts.models import Action, User
from scheduling.models import Meeting, ServiceType, Session
from scheduling.services.administration.codes import free_code
from scheduling.services.administration.versions import refuse_other_version
from timekeeping.reasons import Reason, Refused

_IS_USED = Exists(Meeting.objects.filter(service_type=OuterRef("pk"))) | Exists(
    Session.objects.filter(service_type=OuterRef("pk"))
)
"""Whether groups or sessions have the type of service."""


@dataclass(frozen=True, slots=True)
class ServiceTypeTaken(Reason):
    """Another type of service has the same name."""

    name: str


@dataclass(frozen=True, slots=True)
class ServiceTypeInUse(Reason):
    """Groups or sessions have this type, so it can't begin or stop to count toward weekly hours."""

    name: str


@dataclass(frozen=True, slots=True)
class UsedServiceType:
    """A type of service, and whether groups or sessions have it."""

    service_type: ServiceType
    is_used: bool


def used_service_types() -> list[UsedServiceType]:
    """Return all types of service, sorted by name. Runs one query."""
    types = ServiceType.objects.order_by("name", "pk").annotate(is_used=_IS_USED)
    return [UsedServiceType(each, each.is_used) for each in types]


@transaction.atomic
def add_service_type(*, name: str, countable: bool, by: User, now: datetime) -> ServiceType:
    """Add a type of service, and return it. Its code is made from the name. Raises Refused if the name is taken."""
    types = list(ServiceType.objects.select_for_update())
    _refuse_taken(types, name)
    service_type = ServiceType.objects.create(
        code=free_code(name, {each.code for each in types}, default="service", separator="_"),
        name=name,
        countable=countable,
    )
    record(service_type, by=by, action=Action.CREATED, at=now, detail=_describe(service_type))
    return service_type


@transaction.atomic
def change_service_type(
    *, service_type: ServiceType, name: str, countable: bool, seen: str, by: User, now: datetime
) -> ServiceType:
    """Change the name of a type of service, or whether it counts toward weekly hours, and return the type.

    `seen` is the version that the user saw. Raises Refused if somebody else has changed the type since then, if the name
    is taken, or if `countable` changes while groups or sessions have this type.
    """
    types = {each.pk: each for each in ServiceType.objects.select_for_update()}
    changed = types.pop(service_type.pk)
    refuse_other_version(seen, changed)
    _refuse_taken(types.values(), name)
    if changed.countable != countable and ServiceType.objects.filter(_IS_USED, pk=changed.pk).exists():
        raise Refused([ServiceTypeInUse(changed.name)])
    changed.name, changed.countable = name, countable
    changed.save(update_fields=["name", "countable"])
    record(changed, by=by, action=Action.CHANGED, at=now, detail=_describe(changed))
    return changed


def _refuse_taken(types: Iterable[ServiceType], name: str) -> None:
    if any(each.name.casefold() == name.casefold() for each in types):
        raise Refused([ServiceTypeTaken(name)])


def _describe(service_type: ServiceType) -> str:
    counts = "counts toward weekly hours" if service_type.countable else "does not count toward weekly hours"
    return f"{service_type.name}, {counts}"
