from django.contrib import admin

from accounts.admin import ReadOnlyAdmin
from attendance.models import Amendment, Attendance


@admin.register(Attendance)
class AttendanceAdmin(ReadOnlyAdmin[Attendance]):
    list_display = ("booking", "status", "credited_minutes", "recorded_by", "recorded_at")
    list_filter = ("status", "booking__session__site")
    search_fields = ("booking__episode__patient__code", "booking__session__name")
    raw_id_fields = ("booking", "recorded_by")
    date_hierarchy = "recorded_at"
    list_select_related = ("booking__episode__patient", "booking__session", "recorded_by")


@admin.register(Amendment)
class AmendmentAdmin(ReadOnlyAdmin[Amendment]):
    list_display = (
        "attendance",
        "status_before",
        "status_after",
        "credited_minutes_after",
        "signature",
        "at",
        "reason",
    )
    list_filter = ("status_after", "at")
    search_fields = ("attendance__booking__episode__patient__code", "reason")
    raw_id_fields = ("attendance", "by")
    list_select_related = ("attendance__booking__episode__patient", "attendance__booking__session")
