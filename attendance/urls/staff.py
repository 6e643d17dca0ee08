from django.urls import URLPattern, URLResolver, path, register_converter

from attendance.views import amendments, leaves, roster, weeks
from iopmanager.converters import IsoDate

register_converter(IsoDate, "iso")

urlpatterns: list[URLPattern | URLResolver] = [
    path("sessions/<int:session_id>/", roster.session, name="session"),
    path("sessions/<int:session_id>/present/", roster.session_mark_all, name="session-mark-all"),
    path("sessions/<int:session_id>/mark/<int:booking_id>/", roster.session_mark, name="session-mark"),
    path("sessions/<int:session_id>/finalize/", roster.session_finalize, name="session-finalize"),
    path("attendance/<int:attendance_id>/amend/", amendments.attendance_amend, name="attendance-amend"),
    path("weeks/", weeks.weeks, name="weeks"),
    path("patients/<int:patient_id>/weeks/<iso:day>/", weeks.patient_week, name="patient-week"),
    path("patients/<int:patient_id>/weeks/<iso:day>/make-up/", weeks.makeup_book, name="makeup-book"),
    path("patients/<int:patient_id>/leave/", leaves.leave_new, name="leave-new"),
    path("leaves/<int:leave_id>/", leaves.leave_end, name="leave-end"),
    path("leaves/<int:leave_id>/call-off/", leaves.leave_cancel, name="leave-cancel"),
]
