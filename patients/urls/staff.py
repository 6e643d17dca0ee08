from django.urls import URLPattern, URLResolver, path

from patients.views.availability import commitments, places, proposals, week
from patients.views.calendars import calendar_files
from patients.views.care import corrections, episodes, site_transfer
from patients.views.record import merge, patients

urlpatterns: list[URLPattern | URLResolver] = [
    path("patients/", patients.patients, name="patients"),
    path("patients/new/", patients.patient_new, name="patient-new"),
    path("patients/<int:patient_id>/", patients.patient, name="patient"),
    path("patients/<int:patient_id>/edit/", patients.patient_edit, name="patient-edit"),
    path("patients/<int:patient_id>/merge/", merge.patient_merge, name="patient-merge"),
    path("patients/<int:patient_id>/merge/<int:other_id>/", merge.patient_merge_with, name="patient-merge-with"),
    path("merges/<int:merge_id>/take-back/", merge.merge_take_back, name="merge-take-back"),
    path("patients/<int:patient_id>/commitments/new/", commitments.commitment_new, name="commitment-new"),
    path("patients/<int:patient_id>/commitments/week/", week.commitment_week, name="commitment-week"),
    path("patients/<int:patient_id>/places/", places.places, name="places"),
    path("patients/<int:patient_id>/places/new/", places.place_new, name="place-new"),
    path("places/<int:place_id>/edit/", places.place_edit, name="place-edit"),
    path("places/<int:place_id>/remove/", places.place_remove, name="place-remove"),
    path("patients/<int:patient_id>/imported/new/", calendar_files.imported_calendar_new, name="imported-calendar-new"),
    path("imported/<int:calendar_id>/", calendar_files.imported_calendar, name="imported-calendar"),
    path(
        "imported/<int:calendar_id>/remove/", calendar_files.imported_calendar_remove, name="imported-calendar-remove"
    ),
    path("patients/<int:patient_id>/level/", episodes.level_new, name="level-new"),
    path("patients/<int:patient_id>/discharge/", episodes.episode_end, name="episode-end"),
    path("levels/<int:span_id>/correct/", corrections.level_correct, name="level-correct"),
    path("levels/<int:span_id>/remove/", corrections.level_remove, name="level-remove"),
    path("episodes/<int:episode_id>/admission/", corrections.admission_correct, name="admission-correct"),
    path("episodes/<int:episode_id>/admission/take-back/", corrections.admission_take_back, name="admission-take-back"),
    path("episodes/<int:episode_id>/discharge/", corrections.discharge_correct, name="discharge-correct"),
    path("episodes/<int:episode_id>/discharge/take-back/", corrections.discharge_take_back, name="discharge-take-back"),
    path("patients/<int:patient_id>/site/", site_transfer.site_transfer, name="site-transfer"),
    path("proposals/<int:proposal_id>/", proposals.proposal, name="proposal"),
    path("commitments/<int:commitment_id>/edit/", commitments.commitment_edit, name="commitment-edit"),
    path("commitments/<int:commitment_id>/end/", commitments.commitment_end, name="commitment-end"),
]
