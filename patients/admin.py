from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from accounts.admin import ReadOnlyAdmin
from patients.models import (
    Commitment,
    CommitmentProposal,
    Consent,
    Delegate,
    EmergencyContact,
    Episode,
    FormerSite,
    ImportedCalendar,
    LevelOfCareSpan,
    Patient,
    PatientMerge,
    PatientPhone,
    Place,
    PlaceTravel,
)


class PatientPhoneInline(admin.TabularInline[PatientPhone, Patient]):
    model = PatientPhone
    extra = 0


class EmergencyContactInline(admin.TabularInline[EmergencyContact, Patient]):
    model = EmergencyContact
    extra = 0


@admin.register(Patient)
class PatientAdmin(ReadOnlyAdmin[Patient]):
    list_display = ("code", "last_name", "first_name", "preferred_name", "site", "language")
    list_filter = ("site", "language")
    search_fields = ("code", "last_name", "first_name", "preferred_name", "email")
    raw_id_fields = ("user",)
    list_select_related = ("site",)
    inlines = [PatientPhoneInline, EmergencyContactInline]


@admin.register(Commitment)
class CommitmentAdmin(ReadOnlyAdmin[Commitment]):
    list_display = (
        "label", "patient", "kind", "starts", "ends", "rotation_runs", "on", "until", "movable_minutes", "place",
        "travel_before_minutes", "travel_after_minutes", "valid_from", "valid_until",
    )  # fmt: skip
    list_filter = ("kind", "patient__site")
    search_fields = ("label", "patient__code", "patient__last_name")
    raw_id_fields = ("patient", "place")
    list_select_related = ("patient", "place")

    @admin.display(description=_("rotation"))
    def rotation_runs(self, commitment: Commitment) -> str:
        return commitment.rotation


class PlaceTravelInline(admin.TabularInline[PlaceTravel, Place]):
    model = PlaceTravel
    extra = 0


@admin.register(Place)
class PlaceAdmin(ReadOnlyAdmin[Place]):
    list_display = ("name", "patient")
    list_filter = ("patient__site",)
    search_fields = ("name", "patient__code", "patient__last_name")
    raw_id_fields = ("patient",)
    list_select_related = ("patient",)
    inlines = [PlaceTravelInline]


@admin.register(CommitmentProposal)
class CommitmentProposalAdmin(ReadOnlyAdmin[CommitmentProposal]):
    list_display = ("label", "patient", "action", "state", "proposed_at", "decided_at", "decided_by", "reason")
    list_filter = ("state", "action", "patient__site")
    search_fields = ("label", "patient__code", "patient__last_name")
    raw_id_fields = ("patient", "commitment", "decided_by")
    list_select_related = ("patient", "decided_by")


@admin.register(ImportedCalendar)
class ImportedCalendarAdmin(ReadOnlyAdmin[ImportedCalendar]):
    list_display = (
        "kind",
        "patient",
        "state",
        "first",
        "until",
        "uploaded_at",
        "uploaded_by",
        "decided_at",
        "decided_by",
    )
    list_filter = ("state", "kind", "patient__site")
    search_fields = ("patient__code", "patient__last_name")
    raw_id_fields = ("patient", "uploaded_by", "decided_by")
    list_select_related = ("patient", "uploaded_by", "decided_by")


class LevelOfCareSpanInline(admin.TabularInline[LevelOfCareSpan, Episode]):
    model = LevelOfCareSpan
    extra = 0


class FormerSiteInline(admin.TabularInline[FormerSite, Episode]):
    model = FormerSite
    extra = 0


@admin.register(Episode)
class EpisodeAdmin(ReadOnlyAdmin[Episode]):
    list_display = ("patient", "site", "starts", "ends", "came_on", "referral_source", "discharge_reason")
    list_filter = ("site", "starts")
    search_fields = ("patient__code", "patient__last_name")
    raw_id_fields = ("patient",)
    list_select_related = ("patient", "site")
    inlines = [LevelOfCareSpanInline, FormerSiteInline]


@admin.register(LevelOfCareSpan)
class LevelOfCareSpanAdmin(ReadOnlyAdmin[LevelOfCareSpan]):
    list_display = ("episode", "level", "prescribed_minutes", "prescribed_days", "starts", "ends", "stated_by")
    list_filter = ("level",)
    search_fields = ("episode__patient__code", "episode__patient__last_name")
    raw_id_fields = ("episode",)
    list_select_related = ("episode__patient",)


@admin.register(Delegate)
class DelegateAdmin(ReadOnlyAdmin[Delegate]):
    list_display = ("user", "patient", "consent", "since", "ended_at")
    list_filter = ("patient__site",)
    search_fields = ("user__name", "patient__code", "patient__last_name")
    raw_id_fields = ("patient", "user", "consent")
    list_select_related = ("patient", "user", "consent")


@admin.register(Consent)
class ConsentAdmin(ReadOnlyAdmin[Consent]):
    list_display = ("recipient", "patient", "recipient_kind", "signed_on", "valid_until", "revoked_at")
    list_filter = ("recipient_kind", "patient__site")
    search_fields = ("recipient", "patient__code", "patient__last_name")
    raw_id_fields = ("patient",)
    list_select_related = ("patient",)


@admin.register(PatientMerge)
class PatientMergeAdmin(ReadOnlyAdmin[PatientMerge]):
    list_display = ("absorbed", "kept", "at", "by", "reason", "taken_back_at", "taken_back_by")
    search_fields = ("kept__code", "absorbed__code", "kept__last_name")
    raw_id_fields = ("kept", "absorbed")
    list_select_related = ("kept", "absorbed", "by", "taken_back_by")
