from datetime import date, datetime
from typing import TYPE_CHECKING

from django.db import models
from django.db.models import F, Q
from django.utils.formats import date_format
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from accounts.permissions import Permission
from scheduling.models.closure import Closure
from scheduling.models.meeting import FacilitatorPart, Meeting, Modality
from scheduling.models.service_type import ServiceType
from scheduling.models.site import REASON_MAX_LENGTH, Room, Site

if TYPE_CHECKING:
    from django_stubs_ext.db.models.manager import RelatedManager

    from scheduling.models.booking import Booking


class SessionStatus(models.TextChoices):
    SCHEDULED = "scheduled", _("Scheduled")
    HELD = "held", _("Held")
    CANCELLED = "cancelled", _("Canceled")


class SessionQuerySet(models.QuerySet["Session"]):
    def visible_to(self, user: User) -> "SessionQuerySet":
        return self.filter(user.may_at(Permission.SEE_TIMETABLE))

    def markable_by(self, user: User) -> "SessionQuerySet":
        """Sessions in which the user may record attendance."""
        own = self.model.objects.filter(facilitators=user).values("pk")
        return self.filter(user.may_at(Permission.MARK) | (user.may_at(Permission.MARK_OWN) & Q(pk__in=own)))

    def finalizable_by(self, user: User) -> "SessionQuerySet":
        """Sessions that the user leads or assists in, and may finalize. The state of the session is not checked."""
        own = self.model.objects.filter(facilitators=user).values("pk")
        return self.filter(user.may_at(Permission.FINALIZE_OWN), pk__in=own)

    def amendable_by(self, user: User) -> "SessionQuerySet":
        """Sessions whose finalized attendance the user may amend. The state of the session is not checked."""
        own = self.model.objects.filter(facilitators=user).values("pk")
        return self.filter(user.may_at(Permission.AMEND) | (user.may_at(Permission.AMEND_OWN) & Q(pk__in=own)))

    def changeable_by(self, user: User) -> "SessionQuerySet":
        """Sessions whose room and facilitators the user may change.

        These are the user's own sessions, and all sessions at sites where the user manages the timetable.
        """
        own = self.model.objects.filter(facilitators=user).values("pk")
        return self.filter(
            user.may_at(Permission.MANAGE_TIMETABLE) | (user.may_at(Permission.CHANGE_OWN_SESSIONS) & Q(pk__in=own))
        )

    def with_roster_of(self, user: User) -> "SessionQuerySet":
        """Sessions whose roster the user may see."""
        own = self.model.objects.filter(facilitators=user).values("pk")
        return self.filter(
            user.may_at(Permission.SEE_PATIENTS) | (user.may_at(Permission.SEE_OWN_PATIENTS) & Q(pk__in=own))
        )

    def between(self, first: date, until: date) -> "SessionQuerySet":
        """Sessions held on dates in [first, until). Each date is the date at the session's site."""
        return self.filter(on__gte=first, on__lt=until)

    def without_withdrawn(self) -> "SessionQuerySet":
        """Leave out canceled individual (one-on-one) sessions after the last day of their weekly meeting.

        If a session was moved, its original date counts.
        """
        return self.exclude(
            status=SessionStatus.CANCELLED,
            meeting__kept_for__isnull=False,
            pattern_date__gte=F("meeting__runs_until"),
        )

    def to_come(self, now: datetime) -> "SessionQuerySet":
        """Sessions that have not started and are not finalized, including canceled ones."""
        return self.filter(starts__gt=now, finalized_at=None)


class Session(models.Model):
    """One dated occurrence of a meeting, or a one-off session. Its datetimes are aware, and lie within one day.

    `on` is the local date on which the session is held. `pattern_date` is the date given by the meeting's weekly
    pattern. The two dates differ if the session was moved to another day. A meeting never has two sessions with the
    same `pattern_date`.
    """

    site = models.ForeignKey(Site, on_delete=models.CASCADE, related_name="sessions", verbose_name=_("site"))
    meeting = models.ForeignKey(
        Meeting, on_delete=models.PROTECT, null=True, blank=True, related_name="sessions", verbose_name=_("group")
    )
    pattern_date = models.DateField(
        _("scheduled date"),
        null=True,
        blank=True,
        help_text=_("The date in the group's weekly schedule. Blank for a one-time session."),
    )
    on = models.DateField(_("date"), help_text=_("The date of the session, at the site."))
    starts = models.DateTimeField(_("start"))
    ends = models.DateTimeField(_("end"))
    break_starts = models.DateTimeField(_("break start"), null=True, blank=True)
    break_ends = models.DateTimeField(_("break end"), null=True, blank=True)
    countable_minutes = models.PositiveSmallIntegerField(
        _("minutes that count"), help_text=_("Minutes credited for attending the whole session.")
    )
    service_type = models.ForeignKey(
        ServiceType, on_delete=models.PROTECT, related_name="sessions", verbose_name=_("type of service")
    )
    room = models.ForeignKey(
        Room, on_delete=models.PROTECT, null=True, blank=True, related_name="sessions", verbose_name=_("room")
    )
    name = models.CharField(_("name"), max_length=120)
    modality = models.CharField(_("held"), max_length=12, choices=Modality.choices, default=Modality.IN_PERSON)
    places = models.PositiveSmallIntegerField(_("spots"))
    booked = models.PositiveSmallIntegerField(_("booked"), default=0)
    status = models.CharField(
        _("status"), max_length=12, choices=SessionStatus.choices, default=SessionStatus.SCHEDULED
    )
    cancel_reason = models.CharField(_("reason for canceling"), max_length=REASON_MAX_LENGTH, blank=True)
    closure = models.ForeignKey(
        Closure,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="sessions",
        help_text=_("The closure that canceled the session. Removing the closure restores the session."),
        verbose_name=_("closure"),
    )
    topic = models.CharField(_("topic"), max_length=200, blank=True)
    telehealth_link = models.URLField(
        _("telehealth link"),
        max_length=400,
        blank=True,
        help_text=_("Link for online sessions. It must start with https://."),
    )
    version = models.PositiveIntegerField(
        _("version"), default=1, help_text=_("Goes up with each change to the session or its roster.")
    )
    departed_at = models.DateTimeField(
        _("changed by hand"),
        null=True,
        blank=True,
        help_text=_("When the session was first changed on its own, apart from its group."),
    )
    finalized_at = models.DateTimeField(_("finalized"), null=True, blank=True)
    finalized_by = models.ForeignKey(
        User, on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("finalized by")
    )
    finalized_credential = models.CharField(
        _("signature"), max_length=220, blank=True, help_text=_("Name and credential of the person who signed.")
    )
    imported_at = models.DateTimeField(
        _("imported"),
        null=True,
        blank=True,
        help_text=_("When the session was imported from the time before the program was in use. Nobody signs it."),
    )
    facilitators: "models.ManyToManyField[User, SessionFacilitator]" = models.ManyToManyField(
        User, through="SessionFacilitator", related_name="sessions", verbose_name=_("facilitators")
    )

    objects = SessionQuerySet.as_manager()

    if TYPE_CHECKING:
        session_facilitators: RelatedManager["SessionFacilitator"]
        bookings: RelatedManager[Booking]

    class Meta:
        verbose_name = _("session")
        verbose_name_plural = _("sessions")
        ordering = ["starts", "name", "pk"]
        indexes = [
            models.Index(fields=["site", "on"], name="session_by_site_and_day"),
            models.Index(fields=["room", "starts"], name="session_by_room_and_start"),
        ]
        constraints = [
            models.UniqueConstraint("meeting", "pattern_date", name="meeting_has_one_session_on_a_date"),
            models.CheckConstraint(
                condition=Q(meeting=None, pattern_date=None) | Q(meeting__isnull=False, pattern_date__isnull=False),
                name="session_of_a_meeting_stands_for_a_date",
            ),
            models.CheckConstraint(
                condition=Q(telehealth_link="") | Q(telehealth_link__startswith="https://"),
                name="session_is_online_over_https",
            ),
            models.CheckConstraint(
                condition=Q(closure=None) | Q(status=SessionStatus.CANCELLED), name="session_in_a_closure_is_cancelled"
            ),
            models.CheckConstraint(condition=Q(starts__lt=F("ends")), name="session_ends_after_it_starts"),
            models.CheckConstraint(
                condition=Q(break_starts=None, break_ends=None)
                | Q(
                    break_starts__gt=F("starts"),
                    break_starts__lt=F("break_ends"),
                    break_ends__lt=F("ends"),
                    break_starts__isnull=False,
                    break_ends__isnull=False,
                ),
                name="session_break_lies_inside_it",
            ),
            models.CheckConstraint(condition=Q(places__gte=1), name="session_has_a_place"),
            models.CheckConstraint(condition=Q(booked__lte=F("places")), name="session_is_not_overbooked"),
            models.CheckConstraint(condition=Q(countable_minutes__lte=1440), name="session_counts_at_most_a_day"),
            models.CheckConstraint(
                condition=Q(finalized_at=None, finalized_by=None, finalized_credential="")
                | (Q(finalized_at__isnull=False, finalized_by__isnull=False) & ~Q(finalized_credential=""))
                | Q(finalized_at__isnull=False, imported_at__isnull=False, finalized_by=None, finalized_credential=""),
                name="session_is_finalized_whole",
            ),
            models.CheckConstraint(
                condition=Q(finalized_at=None) | ~Q(status=SessionStatus.SCHEDULED),
                name="session_is_held_or_cancelled_when_finalized",
            ),
            models.CheckConstraint(condition=Q(status__in=SessionStatus.values), name="session_status_is_known"),
            models.CheckConstraint(condition=Q(modality__in=Modality.values), name="session_modality_is_known"),
        ]

    def __str__(self) -> str:
        return f"{self.name}, {date_format(self.on)}"

    @property
    def audit_site_id(self) -> int:
        return self.site_id

    @property
    def places_left(self) -> int:
        """Number of free spots in the session."""
        return self.places - self.booked

    @property
    def is_changed(self) -> bool:
        """Whether the session was changed by hand. If so, changes to its meeting do not affect the session."""
        return self.departed_at is not None

    @property
    def is_moved(self) -> bool:
        """Whether the session's date or times differ from those of its meeting. Reads the meeting and the site."""
        if self.meeting is None:
            return False
        usual = (self.pattern_date, self.meeting.starts, self.meeting.ends)
        return (self.on, self.local_starts().time(), self.local_ends().time()) != usual

    def local_starts(self) -> datetime:
        """Return the start of the session in the site's time zone."""
        return self.starts.astimezone(self.site.zone)

    def local_ends(self) -> datetime:
        """Return the end of the session in the site's time zone."""
        return self.ends.astimezone(self.site.zone)


class SessionFacilitator(models.Model):
    """A user who leads or assists in a session.

    `starts` and `ends` are copies of the session's times, and are empty while the session is canceled. Therefore the
    constraint against double booking can be checked on this table alone.
    """

    session = models.ForeignKey(
        Session, on_delete=models.CASCADE, related_name="session_facilitators", verbose_name=_("session")
    )
    user = models.ForeignKey(
        User, on_delete=models.PROTECT, related_name="session_facilitations", verbose_name=_("staff member")
    )
    part = models.CharField(_("role"), max_length=8, choices=FacilitatorPart.choices, default=FacilitatorPart.LEADS)
    starts = models.DateTimeField(_("start"), null=True, blank=True)
    ends = models.DateTimeField(_("end"), null=True, blank=True)

    class Meta:
        verbose_name = _("facilitator of a session")
        verbose_name_plural = _("facilitators of sessions")
        ordering = ["session", "-part", "user"]
        indexes = [models.Index(fields=["user", "starts"], name="facilitator_by_start")]
        constraints = [
            models.CheckConstraint(
                condition=Q(starts=None, ends=None) | Q(starts__isnull=False, ends__isnull=False, starts__lt=F("ends")),
                name="facilitator_is_there_for_some_time",
            ),
            models.UniqueConstraint("session", "user", name="facilitator_is_in_a_session_once"),
            models.UniqueConstraint("session", condition=Q(part=FacilitatorPart.LEADS), name="session_has_one_leader"),
            models.CheckConstraint(condition=Q(part__in=FacilitatorPart.values), name="session_part_is_known"),
        ]

    def __str__(self) -> str:
        return f"{self.user}: {self.session}"

    @property
    def audit_site_id(self) -> int:
        return self.session.site_id
