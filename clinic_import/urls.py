from django.urls import URLPattern, URLResolver, path

from clinic_import import views

urlpatterns: list[URLPattern | URLResolver] = [
    path("import/", views.imports, name="imports"),
    path("import/blank/workbook/", views.blank_workbook_file, name="import-blank-workbook"),
    path("import/blank/csv/", views.blank_csv_file, name="import-blank-csv"),
    path("import/<int:import_id>/", views.clinic_import, name="clinic-import"),
    path("import/<int:import_id>/confirm/", views.clinic_import_confirm, name="clinic-import-confirm"),
    path("import/<int:import_id>/discard/", views.clinic_import_discard, name="clinic-import-discard"),
    path("import/<int:import_id>/again/", views.clinic_import_again, name="clinic-import-again"),
]
