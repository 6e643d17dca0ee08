from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from accounts.admin import ReadOnlyAdmin
from scheduling.models import (
    Booking,
    Closure,
    CohortStart,
    Enrollment,
    EnrollmentMeeting,
    Feed,
    LeaveOfAbsence,
    Letter,
    Meeting,
    MeetingFacilitator,
    Room,
    RuleSet,
    ServiceType,
    Session,
    SessionFacilitator,
    Site,
    Track,
    WaitingEntry,
)


class RoomInline(admin.TabularInline[Room, Site]):
    model = Room
    extra = 0

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False


class RuleSetInline(admin.StackedInline[RuleSet, Site]):
    model = RuleSet
    extra = 0

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False


@admin.register(Site)
class SiteAdmin(ReadOnlyAdmin[Site]):
    list_display = ("name", "code", "neutral_name", "time_zone", "opens", "closes", "country", "state")
    search_fields = ("name", "code")
    fieldsets = (
        (None, {"fields": ("code", "name", "neutral_name", "letterhead", "address", "phone")}),
        (_("Times"), {"fields": ("time_zone", "hour_clock", "opens", "closes")}),
        (_("Tracks"), {"fields": ("mixes_tracks",)}),
        (_("Patients"), {"fields": ("allows_delegates",)}),
        (_("Public holidays"), {"fields": ("country", "state")}),
    )
    inlines = [RuleSetInline, RoomInline]


@admin.register(Room)
class RoomAdmin(ReadOnlyAdmin[Room]):
    list_display = ("name", "code", "site", "places", "retired_from")
    list_filter = ("site",)
    search_fields = ("name", "code")
    list_select_related = ("site",)


@admin.register(RuleSet)
class RuleSetAdmin(ReadOnlyAdmin[RuleSet]):
    list_display = ("site", "level", "starts", "minimum_minutes", "maximum_minutes", "minimum_days", "maximum_days")
    list_filter = ("site", "level")
    list_select_related = ("site",)


@admin.register(Closure)
class ClosureAdmin(ReadOnlyAdmin[Closure]):
    list_display = ("site", "starts", "ends", "reason")
    list_filter = ("site",)
    search_fields = ("reason",)
    date_hierarchy = "starts"
    list_select_related = ("site",)


@admin.register(ServiceType)
class ServiceTypeAdmin(ReadOnlyAdmin[ServiceType]):
    list_display = ("name", "code", "countable")
    list_filter = ("countable",)
    search_fields = ("name", "code")


class CohortStartInline(admin.TabularInline[CohortStart, Track]):
    model = CohortStart
    extra = 0


@admin.register(Track)
class TrackAdmin(ReadOnlyAdmin[Track]):
    list_display = (
        "name", "code", "site", "status", "entry", "individual_minutes", "level", "from_age", "to_age", "published_at",
    )  # fmt: skip
    list_filter = ("site", "status", "entry", "level")
    search_fields = ("name", "code", "population")
    raw_id_fields = ("meetings",)
    inlines = [CohortStartInline]
    list_select_related = ("site",)


@admin.register(CohortStart)
class CohortStartAdmin(ReadOnlyAdmin[CohortStart]):
    list_display = ("track", "on")
    list_filter = ("track__site",)
    search_fields = ("track__name", "track__code")
    list_select_related = ("track",)


class MeetingFacilitatorInline(admin.TabularInline[MeetingFacilitator, Meeting]):
    model = MeetingFacilitator
    extra = 0
    raw_id_fields = ("user",)


@admin.register(Meeting)
class MeetingAdmin(ReadOnlyAdmin[Meeting]):
    list_display = ("name", "code", "site", "weekday", "starts", "ends", "room", "places", "runs_from", "runs_until")
    list_filter = ("site", "weekday", "service_type", "modality")
    search_fields = ("name", "code")
    raw_id_fields = ("room", "continues")
    inlines = [MeetingFacilitatorInline]
    list_select_related = ("site", "room")


@admin.register(MeetingFacilitator)
class MeetingFacilitatorAdmin(ReadOnlyAdmin[MeetingFacilitator]):
    list_display = ("meeting", "user", "part")
    list_filter = ("part", "meeting__site")
    search_fields = ("meeting__name", "user__name")
    list_select_related = ("meeting", "user")


class SessionFacilitatorInline(admin.TabularInline[SessionFacilitator, Session]):
    model = SessionFacilitator
    extra = 0


@admin.register(Session)
class SessionAdmin(ReadOnlyAdmin[Session]):
    list_display = ("on", "name", "site", "starts", "ends", "status", "booked", "places", "finalized_at")
    list_filter = ("site", "status", "service_type")
    search_fields = ("name", "topic")
    date_hierarchy = "on"
    raw_id_fields = ("meeting", "room", "finalized_by")
    inlines = [SessionFacilitatorInline]
    list_select_related = ("site",)


@admin.register(SessionFacilitator)
class SessionFacilitatorAdmin(ReadOnlyAdmin[SessionFacilitator]):
    list_display = ("session", "user", "part")
    list_filter = ("part", "session__site")
    search_fields = ("session__name", "user__name")
    list_select_related = ("session", "user")


class EnrollmentMeetingInline(admin.TabularInline[EnrollmentMeeting, Enrollment]):
    model = EnrollmentMeeting
    extra = 0
    raw_id_fields = ("meeting",)


@admin.register(Enrollment)
class EnrollmentAdmin(ReadOnlyAdmin[Enrollment]):
    list_display = ("episode", "track", "starts", "ends", "modality")
    list_filter = ("track__site", "track", "modality")
    search_fields = ("episode__patient__code", "episode__patient__last_name", "track__name")
    raw_id_fields = ("episode",)
    inlines = [EnrollmentMeetingInline]
    list_select_related = ("episode__patient", "track")


@admin.register(EnrollmentMeeting)
class EnrollmentMeetingAdmin(ReadOnlyAdmin[EnrollmentMeeting]):
    list_display = ("enrollment", "meeting", "starts", "ends")
    list_filter = ("meeting__site",)
    search_fields = ("meeting__name", "enrollment__episode__patient__code")
    list_select_related = ("enrollment__episode__patient", "enrollment__track", "meeting")


@admin.register(Booking)
class BookingAdmin(ReadOnlyAdmin[Booking]):
    list_display = ("episode", "session", "starts", "week", "countable_minutes", "released_at")
    list_filter = ("session__site", "week")
    search_fields = ("episode__patient__code", "episode__patient__last_name", "session__name")
    raw_id_fields = ("session", "episode", "enrollment", "makes_up")
    list_select_related = ("episode__patient", "session")


@admin.register(LeaveOfAbsence)
class LeaveOfAbsenceAdmin(ReadOnlyAdmin[LeaveOfAbsence]):
    list_display = ("episode", "starts", "ends", "reason", "recorded_by")
    list_filter = ("episode__site",)
    search_fields = ("episode__patient__code", "episode__patient__last_name")
    list_select_related = ("episode__patient", "recorded_by")


@admin.register(WaitingEntry)
class WaitingEntryAdmin(ReadOnlyAdmin[WaitingEntry]):
    list_display = ("track", "episode", "priority", "from_day", "requested_at", "closed_at")
    list_filter = ("track__site", "track", "priority")
    search_fields = ("episode__patient__code", "episode__patient__last_name")
    list_select_related = ("track", "episode__patient")


@admin.register(Feed)
class FeedAdmin(ReadOnlyAdmin[Feed]):
    list_display = ("label", "patient", "facilitator", "room", "track", "style", "last_fetched_at", "revoked_at")
    list_filter = ("style", "revoked_at")
    search_fields = ("label", "patient__code")
    list_select_related = ("patient__site", "facilitator", "room", "track")
    fields = (
        "label",
        "patient",
        "facilitator",
        "room",
        "track",
        "style",
        "created_at",
        "created_by",
        "last_fetched_at",
        "revoked_at",
    )


@admin.register(Letter)
class LetterAdmin(ReadOnlyAdmin[Letter]):
    list_display = ("consent", "starts", "ends", "written_at", "written_by")
    list_filter = ("consent__patient__site",)
    search_fields = ("consent__recipient", "consent__patient__code")
    list_select_related = ("consent__patient", "written_by")
