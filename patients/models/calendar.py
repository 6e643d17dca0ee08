from collections.abc import Collection, Iterable
from datetime import date, datetime, timedelta

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from patients.domain.calendar_files import CalendarNotice, CountedNotice
from patients.domain.calendar_times import CalendarTimes
from patients.models.audited import OfPatient
from patients.models.commitment import MAX_MOVABLE_MINUTES, CommitmentKind
from patients.models.patient import Patient
from timekeeping.intervals import Interval

MAX_TRAVEL_MINUTES = 480
UNSAVED_KEPT_FOR = timedelta(days=1)
"""How long an unsaved preview of a calendar is kept (product rule)."""
DECLINED_KEPT_FOR = timedelta(days=30)
"""How long a patient can see a declined calendar and the reason for declining it (product rule)."""
CALENDAR_LABELS = {
    CommitmentKind.WORK: _("Work calendar"),
    CommitmentKind.SCHOOL: _("School calendar"),
    CommitmentKind.OTHER: _("Other calendar"),
}
CALENDAR_KINDS = tuple(CALENDAR_LABELS)


class CalendarState(models.TextChoices):
    """The state of an uploaded calendar.

    UNDERSTOOD is a preview that has not been saved. KEPT is a saved calendar. WAITING means that a coordinator has to
    decide, because the patient uploaded a calendar that conflicts with a booking.
    """

    UNDERSTOOD = "understood", _("Not saved yet")
    WAITING = "waiting", _("Waiting for review")
    KEPT = "kept", _("Saved")
    DECLINED = "declined", _("Declined")


class ImportedCalendarQuerySet(models.QuerySet["ImportedCalendar"]):
    def visible_to(self, user: User) -> "ImportedCalendarQuerySet":
        """Calendars of patients whose commitments the user may see. Previews that other users uploaded are left out."""
        may_see = Patient.objects.with_commitments_visible_to(user)
        return self.filter(~Q(state=CalendarState.UNDERSTOOD) | Q(uploaded_by=user), patient__in=may_see)

    def saved_for(self, patients: Collection[int]) -> "ImportedCalendarQuerySet":
        """Saved calendars of the patients with these ids."""
        return self.filter(patient__in=patients, state=CalendarState.KEPT)

    def not_expired(self, now: datetime) -> "ImportedCalendarQuerySet":
        """Calendars that have not expired. An expired calendar stays in the table until the next nightly deletion."""
        return self.exclude(state=CalendarState.UNDERSTOOD, uploaded_at__lte=now - UNSAVED_KEPT_FOR).exclude(
            state=CalendarState.DECLINED, decided_at__lte=now - DECLINED_KEPT_FOR
        )

    def open_at(self, now: datetime) -> "ImportedCalendarQuerySet":
        """Calendars whose page can be opened: saved and waiting calendars, and previews that have not expired."""
        return self.not_expired(now).exclude(state=CalendarState.DECLINED)

    def expired(self, now: datetime) -> "ImportedCalendarQuerySet":
        """Previews and declined calendars that have reached the end of their retention period."""
        return self.filter(
            Q(state=CalendarState.UNDERSTOOD, uploaded_at__lte=now - UNSAVED_KEPT_FOR)
            | Q(state=CalendarState.DECLINED, decided_at__lte=now - DECLINED_KEPT_FOR)
        )


class ImportedCalendar(OfPatient, models.Model):
    """The times at which a patient is busy according to an uploaded calendar file. The file is not stored."""

    patient = models.ForeignKey(
        Patient, on_delete=models.CASCADE, related_name="imported_calendars", verbose_name=_("patient")
    )
    kind = models.CharField(_("kind"), max_length=20, choices=[(kind.value, kind.label) for kind in CALENDAR_KINDS])
    state = models.CharField(
        _("status"), max_length=12, choices=CalendarState.choices, default=CalendarState.UNDERSTOOD
    )
    first = models.DateField(_("first day"), help_text=_("The first date that was imported."))
    until = models.DateField(_("day after the last"), help_text=_("The day after the last date that was imported."))
    travel_before = models.PositiveSmallIntegerField(
        _("travel there"), default=0, help_text=_("Minutes from the site to the place.")
    )
    travel_after = models.PositiveSmallIntegerField(
        _("travel back"), default=0, help_text=_("Minutes from the place to the site.")
    )
    movable_minutes = models.PositiveSmallIntegerField(
        _("flexible minutes"),
        default=0,
        help_text=_("By how many minutes a time can start later or end earlier. 0 means not at all."),
    )
    events = models.PositiveIntegerField(_("entries"), help_text=_("Number of entries in the file."))
    occurrences = models.PositiveIntegerField(
        _("occurrences"), help_text=_("Number of times they occur on the imported dates.")
    )
    cancelled = models.PositiveIntegerField(
        _("canceled"), default=0, help_text=_("Number of times left out because they are canceled.")
    )
    free = models.PositiveIntegerField(
        _("free"), default=0, help_text=_("Number of times left out because they are marked as free.")
    )
    whole_days = models.PositiveIntegerField(
        _("all-day entries"), default=0, help_text=_("Number of days with an all-day entry.")
    )
    whole_days_count = models.BooleanField(
        _("all-day entries are busy"),
        null=True,
        blank=True,
        help_text=_("Whether the patient is busy on these days. Unknown until somebody has answered."),
    )
    remarks = models.JSONField(
        _("notices"), default=list, blank=True, help_text=_("Codes of notices, each with the number of its entries.")
    )
    uploaded_at = models.DateTimeField(_("uploaded"))
    uploaded_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", verbose_name=_("uploaded by"))
    decided_at = models.DateTimeField(_("decided"), null=True, blank=True)
    decided_by = models.ForeignKey(
        User, on_delete=models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("decided by")
    )
    reason = models.CharField(
        _("reason declined"), max_length=200, blank=True, help_text=_("The patient can read this.")
    )

    objects = ImportedCalendarQuerySet.as_manager()

    class Meta:
        verbose_name = _("uploaded calendar")
        verbose_name_plural = _("uploaded calendars")
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
        return str(CALENDAR_LABELS[CommitmentKind(self.kind)])

    @property
    def last_day(self) -> date:
        return self.until - timedelta(days=1)

    @property
    def notices(self) -> tuple[CountedNotice, ...]:
        """Notices about entries that were not fully read. Each notice has the number of entries to which it applies."""
        return tuple(CountedNotice(CalendarNotice(remark), number) for remark, number in self.remarks)

    def as_times(self, intervals: Iterable[Interval[datetime]]) -> CalendarTimes:
        """Return the calendar as a `CalendarTimes`. The caller reads the busy times (`intervals`) from the database."""
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
        """Intervals in which the patient is busy. All-day entries are included only if their calendar counts them as busy."""
        return self.filter(Q(is_whole_day=False) | Q(calendar__whole_days_count=True))


class CalendarInterval(models.Model):
    """A busy time in an imported calendar. The title and location of the entry are not stored."""

    calendar = models.ForeignKey(
        ImportedCalendar, on_delete=models.CASCADE, related_name="intervals", verbose_name=_("calendar")
    )
    starts = models.DateTimeField(_("start"))
    ends = models.DateTimeField(_("end"))
    is_whole_day = models.BooleanField(
        _("all day"), default=False, help_text=_("Whether this is a day of an all-day entry.")
    )

    objects = CalendarIntervalQuerySet.as_manager()

    class Meta:
        verbose_name = _("busy time of an uploaded calendar")
        verbose_name_plural = _("busy times of uploaded calendars")
        ordering = ["calendar", "starts", "ends"]
        constraints = [
            models.CheckConstraint(condition=Q(starts__lt=F("ends")), name="calendar_time_ends_after_it_starts"),
            models.UniqueConstraint(
                "calendar", "starts", "ends", "is_whole_day", name="calendar_has_a_time_once"
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.starts:%Y-%m-%d %H:%M}"
