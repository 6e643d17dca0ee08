from collections.abc import Iterable
from datetime import date

from django.db import models
from django.db.models import F, Q

from accounts.models import User
from accounts.permissions import Permission
from patients.models.patient import Patient
from scheduling.domain.week import BusyTime, Pattern, Recurrence


class CommitmentKind(models.TextChoices):
    WORK = "work", "Work"
    SCHOOL = "school", "School"
    FAMILY = "family", "Family"
    CHILDCARE = "childcare", "Childcare"
    COURT = "court", "Court"
    MEDICAL = "medical", "Medical"
    OTHER = "other", "Other"


class CommitmentQuerySet(models.QuerySet["Commitment"]):
    def visible_to(self, user: User) -> "CommitmentQuerySet":
        """One's own, and those of patients one may see where one may also see commitments."""
        may_see = Patient.objects.visible_to(user).filter(user.may_at(Permission.SEE_COMMITMENTS) | Q(user=user.pk))
        return self.filter(patient__in=may_see)

    def in_force_from(self, day: date) -> "CommitmentQuerySet":
        """Those that still hold on the day or hold later."""
        return self.filter(Q(valid_until=None) | Q(valid_until__gt=day)).exclude(on__lt=day)


class Commitment(models.Model):
    """Time a patient is not free, on the wall clock of the site's zone.

    Either on weekdays, every week or every other week counted from the week of `anchor`, or on one date `on`.
    `ends` at or before `starts` is on the next day.
    """

    patient = models.ForeignKey(Patient, on_delete=models.CASCADE, related_name="commitments")
    code = models.CharField(max_length=40, blank=True, help_text="The clinic's own code, if it has one.")
    kind = models.CharField(max_length=20, choices=CommitmentKind.choices)
    label = models.CharField(max_length=80, help_text="For example Day shift.")
    weekdays = models.PositiveSmallIntegerField(default=0, help_text="A bit for each weekday; Monday is 1.")
    anchor = models.DateField(null=True, blank=True, help_text="A date in one of its weeks, if every other week.")
    on = models.DateField(null=True, blank=True, help_text="The date, if it is on one date alone.")
    starts = models.TimeField()
    ends = models.TimeField(help_text="At or before the start: on the next day.")
    travel_minutes = models.PositiveSmallIntegerField(
        default=0, help_text="Minutes between this place and the site, each way."
    )
    valid_from = models.DateField(null=True, blank=True)
    valid_until = models.DateField(null=True, blank=True, help_text="The first day on which it no longer holds.")

    objects = CommitmentQuerySet.as_manager()

    class Meta:
        ordering = ["patient", "starts", "pk"]
        constraints = [
            models.CheckConstraint(
                condition=(Q(on__isnull=True, weekdays__gte=1, weekdays__lte=127))
                | Q(
                    on__isnull=False, weekdays=0, anchor__isnull=True, valid_from__isnull=True, valid_until__isnull=True
                ),
                name="commitment_is_weekly_or_on_one_date",
            ),
            models.CheckConstraint(condition=~Q(starts=F("ends")), name="commitment_takes_less_than_a_day"),
            models.CheckConstraint(
                condition=Q(valid_from=None) | Q(valid_until=None) | Q(valid_from__lt=F("valid_until")),
                name="commitment_ends_after_it_begins",
            ),
            models.CheckConstraint(condition=Q(travel_minutes__lte=480), name="commitment_travel_at_most_eight_hours"),
            models.CheckConstraint(condition=Q(kind__in=CommitmentKind.values), name="commitment_kind_is_known"),
            models.UniqueConstraint(
                "patient", "code", condition=~Q(code=""), name="commitment_code_is_unique_for_a_patient"
            ),
        ]

    def __str__(self) -> str:
        return self.label

    @property
    def audit_patient_id(self) -> int:
        return self.patient_id

    @property
    def audit_site_id(self) -> int:
        return self.patient.site_id

    @property
    def weekday_numbers(self) -> tuple[int, ...]:
        """The weekdays, Monday as 0."""
        return tuple(day for day in range(7) if self.weekdays >> day & 1)

    def as_busy_time(self) -> BusyTime:
        recurrence: Pattern
        if self.on is not None:
            recurrence = Recurrence.once(self.on)
        else:
            recurrence = Recurrence(
                weekdays=frozenset(self.weekday_numbers),
                anchor=self.anchor,
                valid_from=self.valid_from,
                valid_until=self.valid_until,
            )
        return BusyTime(
            key=self.pk,
            label=self.label,
            kind=self.kind,
            recurrence=recurrence,
            starts=self.starts,
            ends=self.ends,
            travel_before=self.travel_minutes,
            travel_after=self.travel_minutes,
        )


def weekday_mask(days: Iterable[int]) -> int:
    """Weekdays (Monday is 0) as the bits of `Commitment.weekdays`."""
    return sum(1 << day for day in set(days))
