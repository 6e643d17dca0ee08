from collections.abc import Iterable
from datetime import date, time, timedelta
from typing import TYPE_CHECKING, Protocol

from django.db import models
from django.db.models import F, Q
from django.db.models.lookups import Exact
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from patients.models.audited import OfPatient
from patients.models.patient import Patient
from patients.models.place import Place
from timekeeping.busy_times import BusyTime
from timekeeping.rotations import MAX_CYCLE_DAYS, MIN_CYCLE_DAYS, bits_to_days_on, bits_to_runs, format_runs
from timekeeping.weeks import OnDates, Recurrence, RecurrencePattern, Rotation

if TYPE_CHECKING:
    from scheduling.models import Site

MIDNIGHT = time(0)
MIN_MOVABLE_MINUTES, MAX_MOVABLE_MINUTES = 5, 480
"""Limits of `movable_minutes`. Moving by fewer than 5 minutes would be of no use; 480 minutes are a whole shift."""
MASK_BEYOND_CYCLE = (F("cycle_mask") + 1).bitrightshift(F("cycle_days"))  # type: ignore[arg-type]  # any expression will do
"""SQL expression that is 0 if at least one day of the cycle is off and `cycle_mask` has no bit past `cycle_days`."""


class HasPattern(Protocol):
    """Fields that say on which dates a commitment happens. Both `Commitment` and `CommitmentValues` have them."""

    @property
    def weekdays(self) -> int: ...
    @property
    def anchor(self) -> date | None: ...
    @property
    def cycle_days(self) -> int | None: ...
    @property
    def cycle_mask(self) -> int | None: ...
    @property
    def on(self) -> date | None: ...
    @property
    def until(self) -> date | None: ...
    @property
    def valid_from(self) -> date | None: ...
    @property
    def valid_until(self) -> date | None: ...


def mask_weekdays(mask: int) -> tuple[int, ...]:
    """Return the weekdays in a bit mask from `Commitment.weekdays`, as numbers (Monday is 0)."""
    return tuple(day for day in range(7) if mask >> day & 1)


def weekday_mask(days: Iterable[int]) -> int:
    """Return a bit mask of weekdays for `Commitment.weekdays`. Monday is number 0 and has the lowest bit."""
    return sum(1 << day for day in set(days))


def commitment_pattern(given: HasPattern) -> RecurrencePattern:
    """Return the recurrence pattern of a commitment. Raises ValueError if the pattern has no days."""
    if given.on is not None:
        until = given.until or given.on + timedelta(days=1)
        days = (given.on + timedelta(days=number) for number in range((until - given.on).days))
        return OnDates(frozenset(day for day in days if given.until is None or given.weekdays >> day.weekday() & 1))
    if given.cycle_days is not None and given.cycle_mask is not None and given.anchor is not None:
        return Rotation(
            cycle_days=given.cycle_days,
            days_on=bits_to_days_on(given.cycle_days, given.cycle_mask),
            first=given.anchor,
            valid_from=given.valid_from,
            valid_until=given.valid_until,
        )
    return Recurrence(
        weekdays=frozenset(mask_weekdays(given.weekdays)),
        anchor=given.anchor,
        valid_from=given.valid_from,
        valid_until=given.valid_until,
    )


class CommitmentKind(models.TextChoices):
    WORK = "work", _("Work")
    SCHOOL = "school", _("School")
    FAMILY = "family", _("Family")
    CHILDCARE = "childcare", _("Childcare")
    COURT = "court", _("Court")
    MEDICAL = "medical", _("Medical")
    OTHER = "other", _("Other")


class CommitmentQuerySet(models.QuerySet["Commitment"]):
    def visible_to(self, user: User) -> "CommitmentQuerySet":
        """Commitments of the patients whose commitments the user may see, and the user's own commitments."""
        return self.filter(patient__in=Patient.objects.with_commitments_visible_to(user))

    def in_force_from(self, day: date) -> "CommitmentQuerySet":
        """Commitments that are in force on the given day or on any later day."""
        not_ended = self.filter(Q(valid_until=None) | Q(valid_until__gt=day))
        return not_ended.exclude(until=None, on__lt=day).exclude(until__lte=day)

    def with_travel(self) -> "CommitmentQuerySet":
        """Load the places and travel times that `as_busy_time` reads, with at most one more query."""
        return self.select_related("place").prefetch_related("place__travels")


class Commitment(OfPatient, models.Model):
    """A time when a patient is busy, in the local time of the patient's site.

    A commitment has one of three patterns:

    - Weekly: it is on `weekdays` every week or, if `anchor` is set, every other week. `anchor` is a date in one of
      these weeks.
    - Rotation: a cycle of `cycle_days` days. Its first day is `anchor`, and `cycle_mask` has a bit for each busy day.
    - Specific dates: it is on the single date `on` or, if `until` is set, on the `weekdays` in [on, until).

    If `ends` is at or before `starts`, the commitment ends on the next day. A commitment from midnight to midnight
    lasts a whole day.
    """

    patient = models.ForeignKey(
        Patient, on_delete=models.CASCADE, related_name="commitments", verbose_name=_("patient")
    )
    code = models.CharField(
        _("code"), max_length=40, blank=True, help_text=_("The clinic's own code for this commitment.")
    )
    kind = models.CharField(_("kind"), max_length=20, choices=CommitmentKind.choices)
    label = models.CharField(_("name"), max_length=80, help_text=_("For example Day shift."))
    weekdays = models.PositiveSmallIntegerField(
        _("weekdays"), default=0, help_text=_("One bit for each weekday. Monday is 1.")
    )
    anchor = models.DateField(
        _("reference date"),
        null=True,
        blank=True,
        help_text=_("For every other week: a date in one of its weeks. For a rotation: its first day."),
    )
    cycle_days = models.PositiveSmallIntegerField(
        _("days in the rotation"),
        null=True,
        blank=True,
        help_text=_("Number of days before the rotation starts again."),
    )
    cycle_mask = models.BigIntegerField(
        _("days on"),
        null=True,
        blank=True,
        help_text=_("One bit for each day on. The first day is 1."),
    )
    on = models.DateField(
        _("first date"),
        null=True,
        blank=True,
        help_text=_("For a commitment on certain dates only."),
    )
    until = models.DateField(
        _("day after the last date"),
        null=True,
        blank=True,
        help_text=_("For a commitment on several dates in a row."),
    )
    starts = models.TimeField(_("start"))
    ends = models.TimeField(_("end"), help_text=_("A time at or before the start is on the next day."))
    movable_minutes = models.PositiveSmallIntegerField(
        _("flexible minutes"),
        default=0,
        help_text=_("By how many minutes it can start later or end earlier. 0 means not at all."),
    )
    place = models.ForeignKey(
        Place,
        on_delete=models.RESTRICT,
        null=True,
        blank=True,
        related_name="commitments",
        help_text=_("Travel times to each site come from the place."),
        verbose_name=_("place"),
    )
    travel_before_minutes = models.PositiveSmallIntegerField(
        _("travel there"), default=0, help_text=_("Minutes from the site. Used if the place has no travel time.")
    )
    travel_after_minutes = models.PositiveSmallIntegerField(
        _("travel back"), default=0, help_text=_("Minutes to the site. Used if the place has no travel time.")
    )
    valid_from = models.DateField(_("first day"), null=True, blank=True)
    valid_until = models.DateField(
        _("day after the last"), null=True, blank=True, help_text=_("Leave blank if there is no end date.")
    )

    objects = CommitmentQuerySet.as_manager()

    class Meta:
        verbose_name = _("commitment")
        verbose_name_plural = _("commitments")
        ordering = ["patient", "starts", "pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(weekdays__gte=1, weekdays__lte=127, on=None, until=None, cycle_days=None, cycle_mask=None)
                | Q(weekdays=0, on=None, until=None)
                & Q(cycle_days__isnull=False, cycle_mask__isnull=False, anchor__isnull=False)
                | Q(on__isnull=False, anchor=None, valid_from=None, valid_until=None, cycle_days=None, cycle_mask=None)
                & (Q(until=None, weekdays=0) | Q(until__isnull=False, weekdays__gte=1, weekdays__lte=127)),
                name="commitment_is_weekly_or_goes_round_or_is_on_dates",
            ),
            models.CheckConstraint(
                condition=Q(cycle_days__gte=MIN_CYCLE_DAYS, cycle_days__lte=MAX_CYCLE_DAYS),
                name="commitment_goes_round_within_eight_weeks",
            ),
            models.CheckConstraint(
                condition=Exact(MASK_BEYOND_CYCLE, 0) & Exact(F("cycle_mask").bitand(1), 1),
                name="commitment_round_begins_with_a_day_on_and_has_one_off",
            ),
            models.CheckConstraint(condition=Q(until__gt=F("on")), name="commitment_dates_end_after_they_begin"),
            models.CheckConstraint(
                condition=~Q(starts=F("ends")) | Q(starts=MIDNIGHT, ends=MIDNIGHT),
                name="commitment_takes_time_or_the_whole_day",
            ),
            models.CheckConstraint(
                condition=Q(movable_minutes=0)
                | Q(movable_minutes__gte=MIN_MOVABLE_MINUTES, movable_minutes__lte=MAX_MOVABLE_MINUTES),
                name="commitment_moves_by_five_minutes_to_eight_hours",
            ),
            models.CheckConstraint(
                condition=Q(valid_from=None) | Q(valid_until=None) | Q(valid_from__lt=F("valid_until")),
                name="commitment_ends_after_it_begins",
            ),
            models.CheckConstraint(
                condition=Q(travel_before_minutes__lte=480, travel_after_minutes__lte=480),
                name="commitment_travel_at_most_eight_hours",
            ),
            models.CheckConstraint(condition=Q(kind__in=CommitmentKind.values), name="commitment_kind_is_known"),
            models.UniqueConstraint(
                "patient", "code", condition=~Q(code=""), name="commitment_code_is_unique_for_a_patient"
            ),
        ]

    def __str__(self) -> str:
        return self.label

    @property
    def weekday_numbers(self) -> tuple[int, ...]:
        """Weekdays of the commitment as numbers (Monday is 0)."""
        return mask_weekdays(self.weekdays)

    @property
    def rotation(self) -> str:
        """The rotation in the form in which people type it, such as “4 on, 3 off”. Empty for other patterns."""
        return format_runs(self.rotation_runs)

    @property
    def rotation_runs(self) -> tuple[int, ...]:
        """The day counts of a rotation, alternately days on and days off. Empty for other patterns."""
        return bits_to_runs(self.cycle_days, self.cycle_mask or 0) if self.cycle_days else ()

    @property
    def is_whole_day(self) -> bool:
        return self.starts == self.ends

    @property
    def last_on(self) -> date | None:
        """Last date of a commitment that has a range of dates; None for other commitments."""
        return self.until - timedelta(days=1) if self.until else None

    @property
    def last_day(self) -> date | None:
        return self.valid_until - timedelta(days=1) if self.valid_until else None

    def is_in_force_from(self, day: date) -> bool:
        """Whether the commitment is in force on the given day or on any later day.

        The queryset method `in_force_from` uses the same rule.
        """
        if self.on is not None:
            return (self.until or self.on + timedelta(days=1)) > day
        return self.valid_until is None or self.valid_until > day

    @property
    def pattern(self) -> RecurrencePattern:
        return commitment_pattern(self)

    def travel(self, site: "Site") -> tuple[int, int]:
        """Return the travel minutes from the site to the commitment, and from the commitment back to the site.

        If the commitment's place has travel times for the site, they are used. Otherwise, the commitment's own travel
        times are used.
        """
        travels = self.place.travels.all() if self.place is not None else ()
        for travel in travels:
            if travel.site_id == site.pk:
                return travel.before_minutes, travel.after_minutes
        return self.travel_before_minutes, self.travel_after_minutes

    def as_busy_time(self, *, site: "Site") -> BusyTime:
        """Return the commitment as a value for the domain code, with travel to and from the site.

        Load the commitments `with_travel` to avoid a query for each of them.
        """
        before, after = self.travel(site)
        return BusyTime(
            key=self.pk,
            label=self.label,
            kind=self.kind,
            recurrence=self.pattern,
            starts=self.starts,
            ends=self.ends,
            travel_before=before,
            travel_after=after,
            movable_minutes=self.movable_minutes,
        )
