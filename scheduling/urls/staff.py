from django.urls import URLPattern, URLResolver, path

from scheduling.views import board, calendars, enrolling, finding, jobs, sessions, timetable, today

urlpatterns: list[URLPattern | URLResolver] = [
    path("today/", today.today, name="today"),
    path("today/attention/", today.today_attention, name="today-attention"),
    path("tracks/", timetable.tracks, name="tracks"),
    path("tracks/new/", timetable.track_new, name="track-new"),
    path("tracks/<int:track_id>/", timetable.track, name="track"),
    path("tracks/<int:track_id>/edit/", timetable.track_edit, name="track-edit"),
    path("tracks/<int:track_id>/publish/", timetable.track_publish, name="track-publish"),
    path("tracks/<int:track_id>/meter/", timetable.track_meter, name="track-meter"),
    path("tracks/<int:track_id>/calendar/", calendars.track_calendar, name="track-calendar"),
    path("tracks/<int:track_id>/meetings/new/", timetable.meeting_new, name="meeting-new"),
    path("meetings/<int:meeting_id>/edit/", timetable.meeting_edit, name="meeting-edit"),
    path("meetings/<int:meeting_id>/end/", timetable.meeting_end, name="meeting-end"),
    path("sessions/new/", sessions.session_new, name="session-new"),
    path("sessions/<int:session_id>/cancel/", sessions.session_cancel, name="session-cancel"),
    path("sessions/<int:session_id>/reinstate/", sessions.session_reinstate, name="session-reinstate"),
    path("sessions/<int:session_id>/move/", sessions.session_move, name="session-move"),
    path("sessions/<int:session_id>/people/", sessions.session_people, name="session-people"),
    path("sessions/<int:session_id>/describe/", sessions.session_describe, name="session-describe"),
    path("patients/<int:patient_id>/find/", finding.fit, name="fit"),
    path("patients/<int:patient_id>/enroll/<int:track_id>/", enrolling.enroll, name="enroll"),
    path("enrollments/<int:enrollment_id>/end/", enrolling.enrollment_end, name="enrollment-end"),
    path("patients/<int:patient_id>/calendar/", calendars.patient_calendar, name="patient-calendar"),
    path("calendar/", calendars.staff_calendar, name="staff-calendar"),
    path("jobs/", jobs.jobs, name="jobs"),
    path("feeds/<int:feed_id>/revoke/", calendars.feed_revoke, name="feed-revoke"),
    path("board/", board.board, name="board"),
    path("board/sessions/", board.board_sessions, name="board-sessions"),
    path("board/print/", board.board_print, name="board-print"),
]
