from django.conf import settings
from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    dependencies = [
        ("scheduling", "0016_discharge_records"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RemoveConstraint(model_name="session", name="session_is_finalized_whole"),
        migrations.AddField(
            model_name="session",
            name="imported_at",
            field=models.DateTimeField(
                blank=True,
                help_text="When the session was imported from the time before the program was in use. Nobody signs it.",
                null=True,
                verbose_name="imported",
            ),
        ),
        migrations.AddConstraint(
            model_name="session",
            constraint=models.CheckConstraint(
                condition=Q(finalized_at=None, finalized_by=None, finalized_credential="")
                | (Q(finalized_at__isnull=False, finalized_by__isnull=False) & ~Q(finalized_credential=""))
                | Q(finalized_at__isnull=False, imported_at__isnull=False, finalized_by=None, finalized_credential=""),
                name="session_is_finalized_whole",
            ),
        ),
    ]
