from collections.abc import Collection, Iterable
from datetime import date, datetime, timedelta

from django.db import models
from django.db.models import F, Q

from accounts.models import User
from patients.domain.calendar_files import CalendarNotice, CountedNotice
from patients.domain.calendar_times import CalendarTimes
from patients.models.commitment import MAX_MOVABLE_MINUTES, CommitmentKind
from patients.models.patient import Patient
from timekeeping.intervals import Interval

MAX_TRAVEL_MINUTES = 480
UNSAVED_KEPT_FOR = timedelta(days=1)
"""How long it is remembered what was understood of a file that nobody keeps."""
DECLINED_KEPT_FOR = timedelta(days=30)
"""How long a patient is told that, and why, it was declined."""
CALENDAR_KINDS = (CommitmentKind.WORK, CommitmentKind.SCHOOL, CommitmentKind.OTHER)


class CalendarState(models.TextChoices):
    """What became of a file. What a patient sends waits when it runs into what is booked, and a coordinator decides."""

    UNDERSTOOD = "understood", "Not kept yet"
    WAITING = "waiting", "Waiting"
    KEPT = "kept", "Kept"
    DECLINED = "declined", "Declined"


class ImportedCalendarQuerySet(models.QuerySet["ImportedCalendar"]):
    def visible_to(self, user: User) -> "ImportedCalendarQuerySet":
        """One's own, and those of patients whose commitments one may see. What nobody has kept yet is its sender's alone."""
        may_see = Patient.objects.with_commitments_visible_to(user)
        return self.filter(~Q(state=CalendarState.UNDERSTOOD) | Q(uploaded_by=user), patient__in=may_see)

    def saved_for(self, patients: Collection[int]) -> "ImportedCalendarQuerySet":
        return self.filter(patient__in=patients, state=CalendarState.KEPT)

    def not_expired(self, now: datetime) -> "ImportedCalendarQuerySet":
        """All but what is forgotten, the row of which may still be there for a night."""
        return self.exclude(state=CalendarState.UNDERSTOOD, uploaded_at__lte=now - UNSAVED_KEPT_FOR).exclude(
            state=CalendarState.DECLINED, decided_at__lte=now - DECLINED_KEPT_FOR
        )

    def expired(self, now: datetime) -> "ImportedCalendarQuerySet":
        """What was only looked at, and what was declined, for long enough."""
        return self.filter(
            Q(state=CalendarState.UNDERSTOOD, uploaded_at__lte=now - UNSAVED_KEPT_FOR)
            | Q(state=CalendarState.DECLINED, decided_at__lte=now - DECLINED_KEPT_FOR)
        )


class ImportedCalendar(models.Model):
    """When somebody is not free by a calendar file of theirs: times alone. The file itself is nowhere."""

    patient = models.ForeignKey(Patient, on_delete=models.CASCADE, related_name="imported_calendars")
    kind = models.CharField(max_length=20, choices=[(kind.value, kind.label) for kind in CALENDAR_KINDS])
    state = models.CharField(max_length=12, choices=CalendarState.choices, default=CalendarState.UNDERSTOOD)
    first = models.DateField(help_text="The first date that was read.")
    until = models.DateField(help_text="The first date that was not read any more.")
    travel_before = models.PositiveSmallIntegerField(default=0, help_text="Minutes from the site to there.")
    travel_after = models.PositiveSmallIntegerField(default=0, help_text="Minutes from there to the site.")
    movable_minutes = models.PositiveSmallIntegerField(
        default=0, help_text="How much later a time could begin, or earlier end; 0 protects them."
    )
    events = models.PositiveIntegerField(help_text="How many entries the file has.")
    occurrences = models.PositiveIntegerField(help_text="How often they occur on the dates that were read.")
    cancelled = models.PositiveIntegerField(default=0, help_text="How many of these were left out as cancelled.")
    free = models.PositiveIntegerField(default=0, help_text="How many of these were left out as free.")
    whole_days = models.PositiveIntegerField(default=0, help_text="How many days have an entry without a time.")
    whole_days_count = models.BooleanField(
        null=True, blank=True, help_text="Whether these days are taken; empty where there are none or nobody was asked."
    )
    remarks = models.JSONField(default=list, blank=True, help_text="Codes of remarks, each with a number.")
    uploaded_at = models.DateTimeField()
    uploaded_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    decided_at = models.DateTimeField(null=True, blank=True)
    decided_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    reason = models.CharField(max_length=200, blank=True, help_text="Why it was declined; the patient reads it.")

    objects = ImportedCalendarQuerySet.as_manager()

    class Meta:
        ordering = ["patient", "kind", "-uploaded_at", "-pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(kind__in=[kind.value for kind in CALENDAR_KINDS]), name="calendar_kind_is_known"
            ),
            models.CheckConstraint(condition=Q(state__in=CalendarState.values), name="calendar_state_is_known"),
            models.CheckConstraint(condition=Q(first__lt=F("until")), name="calendar_ends_after_it_begins"),
            models.CheckConstraint(
                condition=Q(travel_before__lte=MAX_TRAVEL_MINUTES, travel_after__lte=MAX_TRAVEL_MINUTES),
                name="calendar_travel_at_most_eight_hours",
            ),
            models.CheckConstraint(
                condition=Q(movable_minutes__lte=MAX_MOVABLE_MINUTES), name="calendar_moves_at_most_eight_hours"
            ),
            models.CheckConstraint(
                condition=Q(state__in=[CalendarState.KEPT, CalendarState.DECLINED], decided_at__isnull=False)
                | (~Q(state__in=[CalendarState.KEPT, CalendarState.DECLINED]) & Q(decided_at=None)),
                name="calendar_is_decided_when_kept_or_declined",
            ),
            models.CheckConstraint(
                condition=(Q(state=CalendarState.DECLINED) & ~Q(reason=""))
                | (~Q(state=CalendarState.DECLINED) & Q(reason="")),
                name="calendar_is_declined_for_a_reason",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=[CalendarState.WAITING, CalendarState.KEPT])
                | Q(whole_days=0)
                | Q(whole_days_count__isnull=False),
                name="calendar_says_whether_whole_days_count",
            ),
            models.UniqueConstraint(
                "patient", "kind", "state",
                condition=Q(state__in=[CalendarState.WAITING, CalendarState.KEPT]),
                name="patient_has_one_calendar_of_a_kind",
            ),
            models.UniqueConstraint(
                "patient", "kind", "uploaded_by",
                condition=Q(state=CalendarState.UNDERSTOOD),
                name="calendar_is_looked_at_once",
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return self.label

    @property
    def label(self) -> str:
        return f"{self.get_kind_display()} calendar"

    @property
    def last_day(self) -> date:
        return self.until - timedelta(days=1)

    @property
    def audit_patient_id(self) -> int:
        return self.patient_id

    @property
    def audit_site_id(self) -> int:
        return self.patient.site_id

    @property
    def notices(self) -> tuple[CountedNotice, ...]:
        return tuple(CountedNotice(CalendarNotice(remark), number) for remark, number in self.remarks)

    def as_times(self, intervals: Iterable[Interval[datetime]]) -> CalendarTimes:
        """With the times that count, which are read together with those of others."""
        return CalendarTimes(
            key=self.pk,
            label=self.label,
            kind=self.kind,
            first=self.first,
            until=self.until,
            intervals=tuple(intervals),
            travel_before=self.travel_before,
            travel_after=self.travel_after,
            movable_minutes=self.movable_minutes,
        )


class CalendarIntervalQuerySet(models.QuerySet["CalendarInterval"]):
    def counted_as_busy(self) -> "CalendarIntervalQuerySet":
        """Those of a whole day only where somebody said that they are taken."""
        return self.filter(Q(is_whole_day=False) | Q(calendar__whole_days_count=True))


class CalendarInterval(models.Model):
    """A stretch of time in a calendar. Of what it is called, or where it is, nothing is known."""

    calendar = models.ForeignKey(ImportedCalendar, on_delete=models.CASCADE, related_name="intervals")
    starts = models.DateTimeField()
    ends = models.DateTimeField()
    is_whole_day = models.BooleanField(default=False, help_text="A date of an entry without a time.")

    objects = CalendarIntervalQuerySet.as_manager()

    class Meta:
        ordering = ["calendar", "starts", "ends"]
        constraints = [
            models.CheckConstraint(condition=Q(starts__lt=F("ends")), name="calendar_time_ends_after_it_starts"),
            models.UniqueConstraint(
                "calendar", "starts", "ends", "is_whole_day", name="calendar_has_a_time_once"
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.starts:%Y-%m-%d %H:%M}"
