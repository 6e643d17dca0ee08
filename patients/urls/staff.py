from django.urls import URLPattern, URLResolver, path

from patients.views import staff

urlpatterns: list[URLPattern | URLResolver] = [
    path("patients/", staff.patients, name="patients"),
    path("patients/new/", staff.patient_new, name="patient-new"),
    path("patients/<int:patient_id>/", staff.patient, name="patient"),
    path("patients/<int:patient_id>/edit/", staff.patient_edit, name="patient-edit"),
    path("patients/<int:patient_id>/commitments/new/", staff.commitment_new, name="commitment-new"),
    path("patients/<int:patient_id>/level/", staff.level_new, name="level-new"),
    path("patients/<int:patient_id>/discharge/", staff.episode_end, name="episode-end"),
    path("commitments/<int:commitment_id>/edit/", staff.commitment_edit, name="commitment-edit"),
    path("commitments/<int:commitment_id>/end/", staff.commitment_end, name="commitment-end"),
]
