from django.db import migrations

SERVICE_TYPES = [
    ("group", "Group therapy", True),
    ("individual", "Individual therapy", True),
    ("family", "Family therapy", True),
    ("education", "Education", True),
    ("skills", "Skills training", True),
    ("medication", "Medication management", True),
    ("recovery", "Recovery support", True),
    ("case_management", "Case management", False),
    ("drug_test", "Drug test", False),
    ("recreation", "Recreation", False),
    ("peer_meeting", "Peer meeting", False),
]


def add_service_types(apps, schema_editor):
    ServiceType = apps.get_model("scheduling", "ServiceType")
    for code, name, countable in SERVICE_TYPES:
        ServiceType.objects.get_or_create(code=code, defaults={"name": name, "countable": countable})


class Migration(migrations.Migration):
    dependencies = [("scheduling", "0001_initial")]

    operations = [migrations.RunPython(add_service_types, migrations.RunPython.noop)]
