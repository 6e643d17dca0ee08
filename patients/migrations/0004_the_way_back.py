from django.db import migrations
from django.db.models import F


def copy(apps, schema_editor):
    """What was one number, each way, is the way there and the way back."""
    apps.get_model("patients", "Commitment").objects.update(travel_after_minutes=F("travel_before_minutes"))


class Migration(migrations.Migration):
    dependencies = [("patients", "0003_what_a_life_looks_like")]

    operations = [migrations.RunPython(copy, migrations.RunPython.noop)]
