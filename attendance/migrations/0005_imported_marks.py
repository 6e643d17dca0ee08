import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    dependencies = [
        ("attendance", "0004_plain_words"),
        ("scheduling", "0017_imported_sessions"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="attendance",
            name="imported_at",
            field=models.DateTimeField(blank=True, null=True, verbose_name="imported"),
        ),
        migrations.AlterField(
            model_name="attendance",
            name="recorded_by",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="recorded by",
            ),
        ),
        migrations.AddConstraint(
            model_name="attendance",
            constraint=models.CheckConstraint(
                condition=Q(recorded_by__isnull=False) | Q(imported_at__isnull=False),
                name="attendance_is_recorded_by_somebody_or_imported",
            ),
        ),
    ]
