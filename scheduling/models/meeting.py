from datetime import date, timedelta
from typing import TYPE_CHECKING

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from accounts.permissions import Permission
from scheduling.domain.hours.rules import WeeklyMeeting
from scheduling.models.service_type import ServiceType
from scheduling.models.site import Room, Site
from scheduling.models.track import TrackStatus
from timekeeping.busy_times import TREATMENT, BusyTime, treatment_key
from timekeeping.occurrences import MeetingPattern
from timekeeping.weeks import Recurrence, minute_of

if TYPE_CHECKING:
    from django_stubs_ext.db.models.manager import RelatedManager

    from scheduling.models.session import Session


class Modality(models.TextChoices):
    IN_PERSON = "in_person", _("In person")
    TELEHEALTH = "telehealth", _("Telehealth")
    EITHER = "either", _("In person or telehealth")


class FacilitatorPart(models.TextChoices):
    """Whether a facilitator leads a group or assists in it."""

    LEADS = "leads", _("Leads")
    ASSISTS = "assists", _("Assists")


class MeetingQuerySet(models.QuerySet["Meeting"]):
    def visible_to(self, user: User) -> "MeetingQuerySet":
        return self.filter(user.may_at(Permission.SEE_TIMETABLE))

    def managed_by(self, user: User) -> "MeetingQuerySet":
        return self.filter(user.may_at(Permission.MANAGE_TIMETABLE))

    def open_on_or_after(self, day: date) -> "MeetingQuerySet":
        """Meetings that run on the day or start later."""
        return self.filter(Q(runs_until=None) | Q(runs_until__gt=day))

    def held_from(self, day: date) -> "MeetingQuerySet":
        """Meetings that have sessions on the day or later.

        They run on the day or later, and they are one of these:

        - meetings of published tracks
        - meetings of retired tracks, if the meeting has an end date
        - weekly meetings for individual sessions
        """
        of_a_track = Q(tracks__status=TrackStatus.PUBLISHED) | Q(tracks__status=TrackStatus.RETIRED, runs_until__gt=day)
        return self.filter(of_a_track | Q(kept_for__isnull=False)).open_on_or_after(day).distinct()


class Meeting(models.Model):
    """A meeting that a site holds every week. With an `anchor` date, the meeting is held every other week.

    A meeting starts and ends on the same day. Its times are wall-clock times.

    The meeting runs on dates in [runs_from, runs_until). Usually, a change sets `runs_until` to the date of the change,
    and a new meeting `continues` the old one.
    """

    site = models.ForeignKey(Site, on_delete=models.CASCADE, related_name="meetings", verbose_name=_("site"))
    code = models.CharField(_("code"), max_length=40)
    name = models.CharField(_("name"), max_length=120)
    weekday = models.PositiveSmallIntegerField(_("weekday"), help_text=_("A number from 0 to 6. Monday is 0."))
    anchor = models.DateField(
        _("reference date"),
        null=True,
        blank=True,
        help_text=_("For a group every other week: a date in one of its weeks."),
    )
    starts = models.TimeField(_("start"))
    ends = models.TimeField(_("end"))
    break_starts = models.TimeField(_("break start"), null=True, blank=True)
    break_ends = models.TimeField(_("break end"), null=True, blank=True)
    service_type = models.ForeignKey(
        ServiceType, on_delete=models.PROTECT, related_name="meetings", verbose_name=_("type of service")
    )
    room = models.ForeignKey(
        Room, on_delete=models.PROTECT, null=True, blank=True, related_name="meetings", verbose_name=_("room")
    )
    modality = models.CharField(_("held"), max_length=12, choices=Modality.choices, default=Modality.IN_PERSON)
    places = models.PositiveSmallIntegerField(_("spots"))
    runs_from = models.DateField(_("first day"))
    runs_until = models.DateField(
        _("day after the last"), null=True, blank=True, help_text=_("Leave blank if there is no end date.")
    )
    continues = models.ForeignKey(
        "self",
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="continued_by",
        verbose_name=_("continues"),
    )
    kept_for = models.ForeignKey(
        "scheduling.Enrollment",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="one_to_ones",
        help_text=_("For individual sessions: the enrollment that they belong to. They end with it."),
        verbose_name=_("individual time of"),
    )
    facilitators: "models.ManyToManyField[User, MeetingFacilitator]" = models.ManyToManyField(
        User, through="MeetingFacilitator", related_name="meetings", verbose_name=_("facilitators")
    )

    objects = MeetingQuerySet.as_manager()

    if TYPE_CHECKING:
        meeting_facilitators: RelatedManager["MeetingFacilitator"]
        sessions: RelatedManager[Session]

    class Meta:
        verbose_name = _("group")
        verbose_name_plural = _("groups")
        ordering = ["site", "weekday", "starts", "name"]
        constraints = [
            models.UniqueConstraint("site", "code", "runs_from", name="meeting_code_begins_once_on_a_date"),
            models.CheckConstraint(condition=Q(weekday__lte=6), name="meeting_is_on_a_weekday"),
            models.CheckConstraint(condition=Q(starts__lt=F("ends")), name="meeting_ends_after_it_starts"),
            models.CheckConstraint(
                condition=Q(break_starts=None, break_ends=None)
                | Q(
                    break_starts__gt=F("starts"),
                    break_starts__lt=F("break_ends"),
                    break_ends__lt=F("ends"),
                    break_starts__isnull=False,
                    break_ends__isnull=False,
                ),
                name="meeting_break_lies_inside_it",
            ),
            models.CheckConstraint(condition=Q(places__gte=1), name="meeting_has_a_place"),
            models.CheckConstraint(condition=Q(kept_for=None) | Q(places=1), name="meeting_kept_for_one_has_one_place"),
            models.CheckConstraint(
                condition=Q(runs_until=None) | Q(runs_from__lt=F("runs_until")), name="meeting_runs_for_a_day"
            ),
            models.CheckConstraint(condition=Q(modality__in=Modality.values), name="meeting_modality_is_known"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def audit_site_id(self) -> int:
        return self.site_id

    @property
    def last_day(self) -> date | None:
        """The last day on which the meeting runs, or None if there is no end."""
        return self.runs_until - timedelta(days=1) if self.runs_until else None

    @property
    def break_minutes(self) -> int:
        if self.break_starts is None or self.break_ends is None:
            return 0
        return minute_of(self.break_ends) - minute_of(self.break_starts)

    @property
    def leader(self) -> User | None:
        """The facilitator who leads the meeting, or None. Reads prefetched facilitators."""
        return next((each.user for each in self.meeting_facilitators.all() if each.part == FacilitatorPart.LEADS), None)

    def as_weekly_meeting(self) -> WeeklyMeeting:
        """Convert the row to a domain value. Reads prefetched facilitators and the service type."""
        return WeeklyMeeting(
            key=self.pk,
            name=self.name,
            weekday=self.weekday,
            starts=self.starts,
            ends=self.ends,
            break_starts=self.break_starts,
            break_ends=self.break_ends,
            room=self.room_id,
            facilitators=frozenset(each.user_id for each in self.meeting_facilitators.all()),
            anchor=self.anchor,
            countable=self.service_type.countable,
            runs_from=self.runs_from,
            runs_until=self.runs_until,
            places=self.places,
        )

    def as_busy_time(self, *, label: str, valid_from: date, valid_until: date | None) -> BusyTime:
        """Return the meeting as a busy time of a patient who attends it on dates in [valid_from, valid_until)."""
        return BusyTime(
            key=treatment_key(self.pk),
            label=label,
            kind=TREATMENT,
            recurrence=Recurrence(
                weekdays=frozenset({self.weekday}), anchor=self.anchor, valid_from=valid_from, valid_until=valid_until
            ),
            starts=self.starts,
            ends=self.ends,
        )

    def as_pattern(self) -> MeetingPattern:
        """Return the weekly pattern on which the meeting is held."""
        return MeetingPattern(
            weekday=self.weekday,
            anchor=self.anchor,
            starts=self.starts,
            ends=self.ends,
            break_starts=self.break_starts,
            break_ends=self.break_ends,
            runs_from=self.runs_from,
            runs_until=self.runs_until,
        )


class MeetingFacilitator(models.Model):
    meeting = models.ForeignKey(
        Meeting, on_delete=models.CASCADE, related_name="meeting_facilitators", verbose_name=_("group")
    )
    user = models.ForeignKey(
        User, on_delete=models.PROTECT, related_name="meeting_facilitations", verbose_name=_("staff member")
    )
    part = models.CharField(_("role"), max_length=8, choices=FacilitatorPart.choices, default=FacilitatorPart.LEADS)

    class Meta:
        verbose_name = _("facilitator of a group")
        verbose_name_plural = _("facilitators of groups")
        ordering = ["meeting", "-part", "user"]
        constraints = [
            models.UniqueConstraint("meeting", "user", name="facilitator_is_in_a_meeting_once"),
            models.UniqueConstraint("meeting", condition=Q(part=FacilitatorPart.LEADS), name="meeting_has_one_leader"),
            models.CheckConstraint(condition=Q(part__in=FacilitatorPart.values), name="meeting_part_is_known"),
        ]

    def __str__(self) -> str:
        return f"{self.user}: {self.meeting}"

    @property
    def audit_site_id(self) -> int:
        return self.meeting.site_id
