"""A clinic's sites with their rules, rooms and closures."""

from datetime import date, datetime, timedelta
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from django.core.exceptions import ValidationError
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from accounts.domain.job_schedule import JobScope
from accounts.models import User
from accounts.permissions import Permission
from iopmanager.reader import HourClock
from patients.models import LevelOfCare
from scheduling.domain.hours import rules
from scheduling.domain.letters import revealing_words
from timekeeping.intervals import Interval


def validate_time_zone(name: str) -> None:
    """Raise ValidationError unless `name` is the IANA name of a time zone."""
    if name not in available_timezones():
        raise ValidationError(f"{name} is not a time zone's name, such as America/Chicago.")


REASON_MAX_LENGTH = 120
"""Maximum number of characters of a short reason in the database. Services truncate longer reasons."""


class SiteQuerySet(models.QuerySet["Site"]):
    def visible_to(self, user: User) -> "SiteQuerySet":
        """Sites at which the user works or is a patient."""
        sites = {site for _, site in user.assigned_roles}
        if not user.is_active:
            return self.none()
        if None in sites:
            return self
        return self.filter(Q(pk__in=sites) | Q(patients__user=user.pk)).distinct()

    def managing_patients(self, user: User) -> "SiteQuerySet":
        """Sites whose patients the user may manage."""
        granted = user.sites_where(Permission.MANAGE_PATIENTS)
        return self if None in granted else self.filter(pk__in=[site for site in granted if site is not None])

    def worked_at_by(self, user: User) -> "SiteQuerySet":
        """Sites at which the user has a role."""
        sites = {site for _, site in user.assigned_roles}
        return self if None in sites else self.filter(pk__in=[site for site in sites if site is not None])


class Site(models.Model):
    code = models.CharField(max_length=40, unique=True, help_text="The clinic's own code.")
    name = models.CharField(max_length=120)
    neutral_name = models.CharField(
        max_length=60, help_text="What stands in anything that leaves the building; says nothing about treatment."
    )
    letterhead = models.CharField(
        max_length=80,
        blank=True,
        help_text="Who letters come from, as neutral as the name above; empty: as the name above.",
    )
    time_zone = models.CharField(max_length=64, validators=[validate_time_zone])
    address = models.CharField(max_length=200, blank=True)
    phone = models.CharField(max_length=40, blank=True)
    opens = models.TimeField(null=True, blank=True, help_text="Nothing is held before; empty: at any hour.")
    closes = models.TimeField(null=True, blank=True, help_text="Nothing is held after; empty: at any hour.")
    country = models.CharField(max_length=2, default="US", help_text="Whose public holidays are offered, as ISO 3166.")
    state = models.CharField(max_length=10, blank=True, help_text="For example ME: its holidays are offered too.")

    hour_clock = models.CharField(
        max_length=2,
        choices=HourClock.choices,
        default=HourClock.TWELVE,
        help_text=_("How times are written for patients, and for staff who have not chosen otherwise."),
    )

    mixes_tracks = models.BooleanField(
        default=False,
        help_text="Whether patients may attend meetings of several tracks that are for the same patients.",
    )

    objects = SiteQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(
                condition=Q(opens=None) | Q(closes=None) | Q(opens__lt=F("closes")), name="site_closes_after_it_opens"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        """Reject a neutral name or letterhead that contains the site's name or a word that reveals treatment."""
        errors = {
            field: f"“{'”, “'.join(words)}” says more than may leave the building."
            for field in ("neutral_name", "letterhead")
            if (words := revealing_words(getattr(self, field), [self.name]))
        }
        if errors:
            raise ValidationError(errors)

    @cached_property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)

    def today_at(self, now: datetime) -> date:
        """Return the date at the site at the instant `now`, an aware datetime."""
        return now.astimezone(self.zone).date()

    @property
    def audit_site_id(self) -> int:
        return self.pk

    def as_job_scope(self) -> JobScope:
        return JobScope(self.pk, self.name, self.zone)


class RoomQuerySet(models.QuerySet["Room"]):
    def visible_to(self, user: User) -> "RoomQuerySet":
        return self.filter(user.may_at(Permission.SEE_TIMETABLE))


class Room(models.Model):
    site = models.ForeignKey(Site, on_delete=models.CASCADE, related_name="rooms")
    code = models.CharField(max_length=40)
    name = models.CharField(max_length=80)
    places = models.PositiveSmallIntegerField(help_text="How many people the room holds.")

    objects = RoomQuerySet.as_manager()

    class Meta:
        ordering = ["site", "name"]
        constraints = [
            models.UniqueConstraint("site", "code", name="room_code_is_unique_at_a_site"),
            models.CheckConstraint(condition=Q(places__gte=1), name="room_has_a_place"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def audit_site_id(self) -> int:
        return self.site_id


class ServiceType(models.Model):
    """A type of service, such as group, individual, family or education."""

    code = models.CharField(max_length=40, unique=True)
    name = models.CharField(max_length=80)
    countable = models.BooleanField(default=True, help_text="Whether it counts toward weekly hours.")

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Weekday(models.Func):
    """A date's weekday (Monday is 0), as SQL that CHECK constraints can use on both PostgreSQL and SQLite."""

    output_field = models.IntegerField()
    arity = 1

    def as_sqlite(self, compiler: Any, connection: BaseDatabaseWrapper, **extra: Any) -> Any:
        return self.as_sql(
            compiler, connection, template="((CAST(strftime('%%%%w', %(expressions)s) AS INTEGER) + 6) %%%% 7)", **extra
        )

    def as_postgresql(self, compiler: Any, connection: BaseDatabaseWrapper, **extra: Any) -> Any:
        return self.as_sql(
            compiler, connection, template="(EXTRACT(ISODOW FROM %(expressions)s)::integer - 1)", **extra
        )


class RuleSetQuerySet(models.QuerySet["RuleSet"]):
    def visible_to(self, user: User) -> "RuleSetQuerySet":
        return self.filter(user.may_at(Permission.SEE_TIMETABLE))


class RuleSet(models.Model):
    """A site's weekly-hours rules from a date on, for one level of care or for all levels."""

    site = models.ForeignKey(Site, on_delete=models.CASCADE, related_name="rule_sets")
    level = models.CharField(max_length=4, choices=LevelOfCare.choices, blank=True, help_text="Empty for every level.")
    starts = models.DateField(help_text="In force from this day, the first of a week.")
    minimum_minutes = models.PositiveSmallIntegerField(default=540)
    maximum_minutes = models.PositiveSmallIntegerField(default=1500)
    minimum_days = models.PositiveSmallIntegerField(default=3)
    maximum_days = models.PositiveSmallIntegerField(default=5)
    minimum_minutes_per_day = models.PositiveSmallIntegerField(default=0)
    breaks_count = models.BooleanField(default=False, help_text="Whether breaks count toward the hours.")
    week_starts = models.PositiveSmallIntegerField(default=0, help_text="The week's first day; Monday is 0.")

    objects = RuleSetQuerySet.as_manager()

    class Meta:
        ordering = ["site", "level", "-starts"]
        constraints = [
            models.UniqueConstraint("site", "level", "starts", name="site_has_one_rule_set_from_a_date"),
            models.CheckConstraint(
                condition=Q(
                    minimum_minutes__gte=1, maximum_minutes__lte=10080, minimum_minutes__lte=F("maximum_minutes")
                ),
                name="rule_set_minutes_are_a_range_within_a_week",
            ),
            models.CheckConstraint(
                condition=Q(minimum_days__gte=1, maximum_days__lte=7, minimum_days__lte=F("maximum_days")),
                name="rule_set_days_are_a_range_within_a_week",
            ),
            models.CheckConstraint(
                condition=Q(minimum_minutes_per_day__lte=1440), name="rule_set_day_has_at_most_24_hours"
            ),
            models.CheckConstraint(condition=Q(week_starts__lte=6), name="rule_set_week_starts_on_a_weekday"),
            models.CheckConstraint(
                condition=Q(week_starts=Weekday("starts")), name="rule_set_starts_on_the_first_day_of_its_week"
            ),
            models.CheckConstraint(
                condition=Q(level="") | Q(level__in=LevelOfCare.values), name="rule_set_level_is_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.site}, from {self.starts:%Y-%m-%d}"

    @property
    def audit_site_id(self) -> int:
        return self.site_id

    def as_rules(self) -> rules.HoursRules:
        """Convert the row to a domain value."""
        return rules.HoursRules(
            minimum_minutes=self.minimum_minutes,
            maximum_minutes=self.maximum_minutes,
            minimum_days=self.minimum_days,
            maximum_days=self.maximum_days,
            minimum_minutes_per_day=self.minimum_minutes_per_day,
            breaks_count=self.breaks_count,
            week_starts=self.week_starts,
        )


class ClosureQuerySet(models.QuerySet["Closure"]):
    def visible_to(self, user: User) -> "ClosureQuerySet":
        return self.filter(user.may_at(Permission.SEE_TIMETABLE))

    def overlapping(self, first: date, until: date) -> "ClosureQuerySet":
        """Closures that include a day in [first, until)."""
        return self.filter(starts__lt=until, ends__gt=first)


class Closure(models.Model):
    """A closure of a site on dates in [starts, ends)."""

    site = models.ForeignKey(Site, on_delete=models.CASCADE, related_name="closures")
    starts = models.DateField()
    ends = models.DateField(help_text="The first day on which the site is open again.")
    reason = models.CharField(max_length=REASON_MAX_LENGTH)

    objects = ClosureQuerySet.as_manager()

    class Meta:
        ordering = ["site", "starts"]
        constraints = [
            models.CheckConstraint(condition=Q(starts__lt=F("ends")), name="closure_ends_after_it_starts"),
            models.UniqueConstraint("site", "starts", name="site_has_one_closure_from_a_date"),
        ]

    def __str__(self) -> str:
        return f"{self.reason}, {self.starts:%Y-%m-%d}"

    @property
    def audit_site_id(self) -> int:
        return self.site_id

    @property
    def last_day(self) -> date:
        return self.ends - timedelta(days=1)

    def as_interval(self) -> Interval[date]:
        return Interval(self.starts, self.ends)
