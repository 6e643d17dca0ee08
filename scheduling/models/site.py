"""A clinic's sites with their rules and rooms."""

from datetime import date, datetime
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MinValueValidator
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import F, Q
from django.utils.formats import date_format
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from accounts.domain.job_schedule import JobScope
from accounts.models import User
from accounts.permissions import Permission
from iopmanager.reader import HourClock
from patients.models import LevelOfCare
from scheduling.domain.hours import rules
from scheduling.domain.letters import revealing_words
from timekeeping.time_zones import city_time_zones


def validate_time_zone(name: str) -> None:
    """Raise ValidationError unless `name` is the IANA name of a time zone that is named after a place."""
    if name not in city_time_zones():
        raise ValidationError(_("%(name)s is not a time zone. Use a name such as America/Chicago.") % {"name": name})


SHORTEST_PAUSE = 5
"""The fewest minutes without activity after which a site may sign people out."""

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
    code = models.CharField(
        _("site code"), max_length=40, unique=True, help_text=_("The clinic's own code for this site.")
    )
    name = models.CharField(_("name"), max_length=120)
    neutral_name = models.CharField(
        _("neutral name"),
        max_length=60,
        help_text=_("The name in calendars, mail and printouts. It must not reveal treatment."),
    )
    letterhead = models.CharField(
        _("letterhead"),
        max_length=80,
        blank=True,
        help_text=_("The sender of letters. It must not reveal treatment. Leave blank to use the neutral name."),
    )
    time_zone = models.CharField(_("time zone"), max_length=64, validators=[validate_time_zone])
    address = models.CharField(_("address"), max_length=200, blank=True)
    phone = models.CharField(_("phone"), max_length=40, blank=True)
    opens = models.TimeField(
        _("opens at"),
        null=True,
        blank=True,
        help_text=_("Sessions can't start before this time. Leave blank for any time."),
    )
    closes = models.TimeField(
        _("closes at"),
        null=True,
        blank=True,
        help_text=_("Sessions can't end after this time. Leave blank for any time."),
    )
    country = models.CharField(
        _("country"),
        max_length=2,
        default="US",
        help_text=_("Two-letter country code. It decides which public holidays are suggested as closures."),
    )
    state = models.CharField(
        _("state"),
        max_length=10,
        blank=True,
        help_text=_("For example ME. Its public holidays are suggested as closures too."),
    )
    hour_clock = models.CharField(
        _("clock"),
        max_length=2,
        choices=HourClock.choices,
        default=HourClock.TWELVE,
        help_text=_("How times are written for patients, and for staff who have not chosen otherwise."),
    )
    idle_minutes = models.PositiveSmallIntegerField(
        _("sign-out after (minutes)"),
        null=True,
        blank=True,
        validators=[MinValueValidator(SHORTEST_PAUSE)],
        help_text=_("Minutes without activity, at least 5. Leave blank for the usual time."),
    )
    mixes_tracks = models.BooleanField(
        _("combine tracks"),
        default=False,
        help_text=_("Patients may attend groups of several tracks for the same kind of patient."),
    )
    allows_delegates = models.BooleanField(
        _("share schedules with family"),
        default=False,
        help_text=_("With a signed release, one person may see when a patient has appointments, and nothing else."),
    )

    objects = SiteQuerySet.as_manager()

    class Meta:
        verbose_name = _("site")
        verbose_name_plural = _("sites")
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(
                condition=Q(opens=None) | Q(closes=None) | Q(opens__lt=F("closes")),
                name="site_closes_after_it_opens",
                violation_error_message=_("The site closes before it opens. Change one of the times."),
            ),
            models.CheckConstraint(
                condition=Q(idle_minutes=None) | Q(idle_minutes__gte=SHORTEST_PAUSE),
                name="site_leaves_time_for_a_pause",
                violation_error_message=_("Choose at least 5 minutes without activity."),
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        """Reject a neutral name or letterhead that reveals treatment, and more idle minutes than the settings allow."""
        names = ("neutral_name", "letterhead")
        errors = {field: error for field in names if (error := self._why_revealing(getattr(self, field)))}
        if (self.idle_minutes or 0) > settings.PATIENT_IDLE_MINUTES:
            message = gettext("People are signed out after %(minutes)d minutes at the latest. Choose fewer minutes.")
            errors["idle_minutes"] = message % {"minutes": settings.PATIENT_IDLE_MINUTES}
        if errors:
            raise ValidationError(errors)

    def _why_revealing(self, text: str) -> str:
        """Return what to change in a name that outsiders see, or "" if nothing has to change."""
        if words := revealing_words(text):
            message = ngettext(
                "Remove “%(words)s”. Anyone who sees this name could guess that it is about treatment.",
                "Remove these words: “%(words)s”. Anyone who sees this name could guess that it is about treatment.",
                len(words),
            )
            return message % {"words": "”, “".join(words)}
        if revealing_words(text, [self.name]):
            return gettext("This contains the name of the site, which tells where the patient goes. Leave it out.")
        return ""

    @cached_property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)

    def today_at(self, now: datetime) -> date:
        """Return the local date at the site for the instant `now`, an aware datetime."""
        return now.astimezone(self.zone).date()

    @property
    def audit_site_id(self) -> int:
        return self.pk

    def as_job_scope(self) -> JobScope:
        return JobScope(self.pk, self.name, self.zone)


class RoomQuerySet(models.QuerySet["Room"]):
    def visible_to(self, user: User) -> "RoomQuerySet":
        return self.filter(user.may_at(Permission.SEE_TIMETABLE))

    def offered(self, *, besides: int | None = None) -> "RoomQuerySet":
        """Rooms that can be chosen for groups and sessions: rooms that are not retired, and the room with id `besides`."""
        return self.filter(Q(retired_from=None) | Q(pk=besides))


class Room(models.Model):
    site = models.ForeignKey(Site, on_delete=models.CASCADE, related_name="rooms", verbose_name=_("site"))
    code = models.CharField(_("room code"), max_length=40)
    name = models.CharField(_("name"), max_length=80)
    places = models.PositiveSmallIntegerField(_("capacity"), help_text=_("Number of people the room holds."))
    retired_from = models.DateField(
        _("not used from"),
        null=True,
        blank=True,
        help_text=_("The first day on which the room is no longer used. Leave blank for a room in use."),
    )

    objects = RoomQuerySet.as_manager()

    class Meta:
        verbose_name = _("room")
        verbose_name_plural = _("rooms")
        ordering = ["site", "name"]
        constraints = [
            models.UniqueConstraint(
                "site",
                "code",
                name="room_code_is_unique_at_a_site",
                violation_error_message=_("Another room at this site has the same code."),
            ),
            models.CheckConstraint(
                condition=Q(places__gte=1),
                name="room_has_a_place",
                violation_error_message=_("A room holds at least 1 person."),
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def audit_site_id(self) -> int:
        return self.site_id


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

    site = models.ForeignKey(Site, on_delete=models.CASCADE, related_name="rule_sets", verbose_name=_("site"))
    level = models.CharField(
        _("level of care"),
        max_length=4,
        choices=LevelOfCare.choices,
        blank=True,
        help_text=_("Leave blank for all levels of care."),
    )
    starts = models.DateField(_("in effect from"), help_text=_("The first day of a treatment week."))
    minimum_minutes = models.PositiveSmallIntegerField(_("minimum minutes a week"), default=540)
    maximum_minutes = models.PositiveSmallIntegerField(_("maximum minutes a week"), default=1500)
    minimum_days = models.PositiveSmallIntegerField(_("minimum days a week"), default=3)
    maximum_days = models.PositiveSmallIntegerField(_("maximum days a week"), default=5)
    minimum_minutes_per_day = models.PositiveSmallIntegerField(_("minimum minutes a day"), default=0)
    breaks_count = models.BooleanField(
        _("breaks count"), default=False, help_text=_("Breaks count toward weekly hours.")
    )
    week_starts = models.PositiveSmallIntegerField(
        _("first day of the week"), default=0, help_text=_("A number from 0 to 6. Monday is 0.")
    )

    objects = RuleSetQuerySet.as_manager()

    class Meta:
        verbose_name = _("set of weekly hours rules")
        verbose_name_plural = _("weekly hours rules")
        ordering = ["site", "level", "-starts"]
        constraints = [
            models.UniqueConstraint(
                "site",
                "level",
                "starts",
                name="site_has_one_rule_set_from_a_date",
                violation_error_message=_("Other rules for this level of care start on the same day."),
            ),
            models.CheckConstraint(
                condition=Q(
                    minimum_minutes__gte=1, maximum_minutes__lte=10080, minimum_minutes__lte=F("maximum_minutes")
                ),
                name="rule_set_minutes_are_a_range_within_a_week",
                violation_error_message=_("The minimum minutes a week are more than the maximum."),
            ),
            models.CheckConstraint(
                condition=Q(minimum_days__gte=1, maximum_days__lte=7, minimum_days__lte=F("maximum_days")),
                name="rule_set_days_are_a_range_within_a_week",
                violation_error_message=_(
                    "The minimum and maximum days a week must be from 1 to 7, the minimum first."
                ),
            ),
            models.CheckConstraint(
                condition=Q(minimum_minutes_per_day__lte=1440), name="rule_set_day_has_at_most_24_hours"
            ),
            models.CheckConstraint(condition=Q(week_starts__lte=6), name="rule_set_week_starts_on_a_weekday"),
            models.CheckConstraint(
                condition=Q(week_starts=Weekday("starts")),
                name="rule_set_starts_on_the_first_day_of_its_week",
                violation_error_message=_("The rules must start on the first day of a week."),
            ),
            models.CheckConstraint(
                condition=Q(level="") | Q(level__in=LevelOfCare.values), name="rule_set_level_is_known"
            ),
        ]

    def __str__(self) -> str:
        return gettext("%(site)s, from %(date)s") % {"site": self.site, "date": date_format(self.starts)}

    @property
    def audit_site_id(self) -> int:
        return self.site_id

    def as_rules(self) -> rules.HoursRules:
        """Convert the row to HoursRules, the value that the domain code uses."""
        return rules.HoursRules(
            minimum_minutes=self.minimum_minutes,
            maximum_minutes=self.maximum_minutes,
            minimum_days=self.minimum_days,
            maximum_days=self.maximum_days,
            minimum_minutes_per_day=self.minimum_minutes_per_day,
            breaks_count=self.breaks_count,
            week_starts=self.week_starts,
        )
