from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from accounts.permissions import Permission
from patients.domain.names import name_order
from patients.domain.person_search import Person, SearchTerm

if TYPE_CHECKING:
    from django_stubs_ext.db.models.manager import RelatedManager

    from patients.models.contact import EmergencyContact, PatientPhone


def display_name(first_name: str, last_name: str, preferred_name: str) -> str:
    """Return a patient's name as staff see it: the preferred name (or else the first name) and the last name."""
    return f"{preferred_name or first_name} {last_name}".strip()


class PatientQuerySet(models.QuerySet["Patient"]):
    def visible_to(self, user: User) -> "PatientQuerySet":
        """Patients at sites where the user may see everyone, patients in the user's groups, and the user's own record."""
        in_own_groups = self.model.objects.filter(
            episodes__bookings__session__facilitators=user, episodes__bookings__released_at=None
        )
        return self.filter(
            user.may_at(Permission.SEE_PATIENTS)
            | (user.may_at(Permission.SEE_OWN_PATIENTS) & Q(pk__in=in_own_groups.values("pk")))
            | Q(user=user.pk)
        )

    def with_commitments_visible_to(self, user: User) -> "PatientQuerySet":
        """Visible patients at the sites where the user may see commitments, and the user's own record."""
        return self.visible_to(user).filter(user.may_at(Permission.SEE_COMMITMENTS) | Q(user=user.pk))

    def managed_by(self, user: User) -> "PatientQuerySet":
        """Patients whose record the user may change."""
        return self.filter(user.may_at(Permission.MANAGE_PATIENTS))

    def matching(self, terms: Sequence[SearchTerm]) -> "PatientQuerySet":
        """Patients who match every search term. One query reads the details of all patients in the queryset.

        The code of a record that was merged into a patient's record finds the patient, too.
        """
        if not terms:
            return self
        details = "pk", "birth_date", "first_name", "last_name", "preferred_name", "code", "email"
        people: dict[tuple[Any, ...], tuple[dict[str, None], dict[str, None]]] = {}
        for *given, phone, absorbed_code in self.values_list(*details, "phones__number", "absorbed__code").order_by():
            phones, codes = people.setdefault(tuple(given), ({}, {}))
            phones[phone or ""] = codes[absorbed_code or ""] = None
        found = []
        for (key, birth_date, *texts), (phones, codes) in people.items():
            person = Person.of([*texts, *codes], phones, birth_date)
            if all(term.matches(person) for term in terms):
                found.append(key)
        return self.filter(pk__in=found)

    def ids_by_name(self) -> list[int]:
        """Ids of the patients, sorted by name in Python, because databases sort capitals and accents differently."""
        names = self.order_by("pk").values_list("last_name", "first_name", "pk")
        return [key for *_names, key in sorted(names, key=lambda row: name_order(row[0], row[1]))]


class PatientManager(models.Manager["Patient"]):
    """Manager that leaves out records that were merged into another record."""

    def get_queryset(self) -> PatientQuerySet:
        return PatientQuerySet(self.model, using=self._db).filter(merged_into=None)


class Patient(models.Model):
    """A patient's personal details.

    `Episode` rows store when the patient is in care. `Commitment` rows store when the patient is busy. `PatientPhone` rows
    store the phone numbers, and `EmergencyContact` rows whom to call in an emergency.

    Two records of the same person can be merged (`PatientMerge`). The row of the absorbed record stays, and its
    `merged_into` is the record that has its rows now. `objects` leaves out absorbed records, so only code that asks for
    `all_records` finds them.
    """

    site = models.ForeignKey(
        "scheduling.Site", on_delete=models.PROTECT, related_name="patients", verbose_name=_("site")
    )
    code = models.CharField(
        _("patient code"), max_length=40, unique=True, help_text=_("The clinic's own code, for example P001.")
    )
    first_name = models.CharField(_("first name"), max_length=80)
    last_name = models.CharField(_("last name"), max_length=80)
    preferred_name = models.CharField(_("preferred name"), max_length=80, blank=True)
    birth_date = models.DateField(_("birth date"))
    email = models.EmailField(_("email"), blank=True)
    address = models.CharField(_("address"), max_length=200, blank=True, help_text=_("Up to four lines."))
    language = models.CharField(_("language"), max_length=40, default="English")
    travel_minutes = models.PositiveSmallIntegerField(
        _("travel time from home"),
        default=0,
        help_text=_("Minutes from home to the site, one way."),
    )
    user = models.OneToOneField(
        User,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="patient",
        help_text=_("The account with which the patient signs in."),
        verbose_name=_("sign-in"),
    )
    merged_into = models.ForeignKey(
        "self",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        related_query_name="absorbed",
        help_text=_("The record of the same person that replaces this one."),
        verbose_name=_("merged into"),
    )

    objects = PatientManager.from_queryset(PatientQuerySet)()
    all_records = PatientQuerySet.as_manager()

    if TYPE_CHECKING:
        phones: RelatedManager["PatientPhone"]
        emergency_contacts: RelatedManager["EmergencyContact"]

    class Meta:
        verbose_name = _("patient")
        verbose_name_plural = _("patients")
        ordering = ["last_name", "first_name", "pk"]
        constraints = [
            models.CheckConstraint(condition=Q(travel_minutes__lte=480), name="patient_travels_at_most_eight_hours"),
            models.CheckConstraint(
                condition=Q(merged_into=None) | ~Q(merged_into=F("pk")), name="patient_is_not_merged_into_itself"
            ),
        ]

    def __str__(self) -> str:
        return display_name(self.first_name, self.last_name, self.preferred_name)

    @property
    def name_order(self) -> tuple[str, str]:
        """Key that sorts patients by name."""
        return name_order(self.last_name, self.first_name)

    @property
    def short_name(self) -> str:
        """The preferred name, or else the first name, or else the only name."""
        return self.preferred_name or self.first_name or self.last_name

    @property
    def audit_patient_id(self) -> int:
        return self.pk

    @property
    def audit_site_id(self) -> int:
        return self.site_id
