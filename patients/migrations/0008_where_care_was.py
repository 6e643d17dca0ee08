import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("patients", "0007_imported_calendars"),
        ("scheduling", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="FormerSite",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("starts", models.DateField()),
                ("ends", models.DateField(help_text="The first day at the next site.")),
            ],
            options={
                "ordering": ["episode", "starts"],
            },
        ),
        migrations.AddField(
            model_name="episode",
            name="came_on",
            field=models.DateField(
                blank=True, help_text="If it was at another site before.", null=True, verbose_name="at the site since"
            ),
        ),
        migrations.AddConstraint(
            model_name="episode",
            constraint=models.CheckConstraint(
                condition=models.Q(("came_on", None), ("came_on__gt", models.F("starts")), _connector="OR"),
                name="episode_moves_after_it_starts",
            ),
        ),
        migrations.AddField(
            model_name="formersite",
            name="episode",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="former_sites", to="patients.episode"
            ),
        ),
        migrations.AddField(
            model_name="formersite",
            name="site",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="+", to="scheduling.site"
            ),
        ),
        migrations.AddConstraint(
            model_name="formersite",
            constraint=models.CheckConstraint(
                condition=models.Q(("starts__lt", models.F("ends"))), name="former_site_ends_after_it_starts"
            ),
        ),
        migrations.AddConstraint(
            model_name="formersite",
            constraint=models.UniqueConstraint(
                models.F("episode"), models.F("starts"), name="episode_is_at_one_site_from_a_date"
            ),
        ),
    ]
