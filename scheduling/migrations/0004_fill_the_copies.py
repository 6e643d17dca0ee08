from django.db import migrations
from django.db.models import F, OuterRef, Subquery


def fill(apps, schema_editor):
    """What the new columns say of the rows that were there before them."""
    Session = apps.get_model("scheduling", "Session")
    Facilitator = apps.get_model("scheduling", "SessionFacilitator")
    Booking = apps.get_model("scheduling", "Booking")
    Session.objects.filter(meeting__isnull=False).update(pattern_date=F("on"))
    own = Session.objects.filter(pk=OuterRef("session"))
    Facilitator.objects.exclude(session__status="cancelled").update(
        starts=Subquery(own.values("starts")), ends=Subquery(own.values("ends"))
    )
    Booking.objects.filter(released_at__isnull=False).update(release_cause="given_back")


class Migration(migrations.Migration):
    dependencies = [("scheduling", "0003_what_keeps_it_true")]

    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
