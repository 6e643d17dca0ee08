from django.urls import URLPattern, URLResolver, path

from scheduling.views import nightly_work, reader_settings
from scheduling.views.administration import first_run, portal_access
from scheduling.views.documents import calendar_links, letters
from scheduling.views.enrollment import change, end_track, enroll, individual, step_down, waitlist
from scheduling.views.search import comparison, find
from scheduling.views.sessions import board, session_changes, today
from scheduling.views.timetable import closures, counselor_hours, meetings, tracks

urlpatterns: list[URLPattern | URLResolver] = [
    path("set-up/", first_run.set_up, name="set-up"),
    path("start/", first_run.getting_started, name="getting-started"),
    path("sites/new/", first_run.site_new, name="site-new"),
    path("today/", today.today, name="today"),
    path("today/attention/", today.today_attention, name="today-attention"),
    path("tracks/", tracks.tracks, name="tracks"),
    path("tracks/new/", tracks.track_new, name="track-new"),
    path("tracks/<int:track_id>/", tracks.track, name="track"),
    path("tracks/<int:track_id>/edit/", tracks.track_edit, name="track-edit"),
    path("tracks/<int:track_id>/publish/", tracks.track_publish, name="track-publish"),
    path("tracks/<int:track_id>/end/", end_track.track_end, name="track-end"),
    path("tracks/<int:track_id>/meter/", meetings.track_meter, name="track-meter"),
    path("tracks/<int:track_id>/calendar/", calendar_links.track_calendar, name="track-calendar"),
    path("tracks/<int:track_id>/meetings/new/", meetings.meeting_new, name="meeting-new"),
    path("meetings/<int:meeting_id>/edit/", meetings.meeting_edit, name="meeting-edit"),
    path("meetings/<int:meeting_id>/end/", meetings.meeting_end, name="meeting-end"),
    path("closures/", closures.closures, name="closures"),
    path("closures/<int:closure_id>/open/", closures.closure_lift, name="closure-lift"),
    path("sessions/new/", session_changes.session_new, name="session-new"),
    path("sessions/<int:session_id>/cancel/", session_changes.session_cancel, name="session-cancel"),
    path("sessions/<int:session_id>/reinstate/", session_changes.session_restore, name="session-restore"),
    path("sessions/<int:session_id>/move/", session_changes.session_move, name="session-move"),
    path("sessions/<int:session_id>/people/", session_changes.session_facilitators, name="session-facilitators"),
    path("sessions/<int:session_id>/describe/", session_changes.session_details, name="session-details"),
    path("patients/<int:patient_id>/find/", find.find_schedule, name="find-schedule"),
    path("patients/<int:patient_id>/find/what-if/", find.find_schedule_what_if, name="find-schedule-what-if"),
    path("patients/<int:patient_id>/find/compare/", comparison.find_schedule_compare, name="find-schedule-compare"),
    path(
        "patients/<int:patient_id>/find/keep/<int:commitment_id>/", find.find_schedule_save, name="find-schedule-save"
    ),
    path("patients/<int:patient_id>/ahead/", step_down.step_down, name="step-down"),
    path("patients/<int:patient_id>/enroll/<int:track_id>/", enroll.enroll, name="enroll"),
    path("enrollments/<int:enrollment_id>/change/", change.enrollment_change, name="enrollment-change"),
    path("enrollments/<int:enrollment_id>/move/", change.enrollment_transfer, name="enrollment-transfer"),
    path(
        "enrollments/<int:enrollment_id>/move/<int:track_id>/",
        change.enrollment_transfer_to,
        name="enrollment-transfer-to",
    ),
    path("enrollments/<int:enrollment_id>/individual/", individual.individual_sessions, name="individual-sessions"),
    path("hours/", counselor_hours.counselor_hours, name="counselor-hours"),
    path("hours/new/", counselor_hours.counselor_hours_new, name="counselor-hours-new"),
    path("hours/<int:hours_id>/edit/", counselor_hours.counselor_hours_edit, name="counselor-hours-edit"),
    path("hours/<int:hours_id>/remove/", counselor_hours.counselor_hours_remove, name="counselor-hours-remove"),
    path("enrollments/<int:enrollment_id>/end/", change.enrollment_end, name="enrollment-end"),
    path("tracks/<int:track_id>/waiting/", waitlist.waitlist, name="waitlist"),
    path("patients/<int:patient_id>/wait/<int:track_id>/", waitlist.waitlist_join, name="waitlist-join"),
    path("waiting/<int:entry_id>/enroll/", waitlist.waitlist_enroll, name="waitlist-enroll"),
    path("waiting/<int:entry_id>/leave/", waitlist.waitlist_remove, name="waitlist-remove"),
    path("patients/<int:patient_id>/calendar/", calendar_links.patient_calendar, name="patient-calendar"),
    path("patients/<int:patient_id>/access/", portal_access.portal_access, name="portal-access"),
    path(
        "patients/<int:patient_id>/access/withdraw/",
        portal_access.portal_access_withdraw,
        name="portal-access-withdraw",
    ),
    path("patients/<int:patient_id>/access/end/", portal_access.portal_access_end, name="portal-access-end"),
    path("patients/<int:patient_id>/consents/", letters.consents, name="consents"),
    path("patients/<int:patient_id>/consents/new/", letters.consent_new, name="consent-new"),
    path("consents/<int:consent_id>/revoke/", letters.consent_revoke, name="consent-revoke"),
    path("consents/<int:consent_id>/letter/", letters.letter_new, name="letter-new"),
    path("calendar/", calendar_links.staff_calendar, name="staff-calendar"),
    path("jobs/", nightly_work.nightly_work, name="nightly-work"),
    path("settings/", reader_settings.reader_settings, name="reader-settings"),
    path("feeds/<int:feed_id>/revoke/", calendar_links.feed_revoke, name="feed-revoke"),
    path("board/", board.board, name="board"),
    path("board/sessions/", board.board_sessions, name="board-sessions"),
    path("board/print/", board.board_print, name="board-print"),
]
