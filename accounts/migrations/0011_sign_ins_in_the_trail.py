from django.db import migrations, models


class Migration(migrations.Migration):
    """Let the audit trail say that somebody has signed in."""

    dependencies = [
        ("accounts", "0010_browser_session"),
    ]

    operations = [
        migrations.AlterField(
            model_name="auditevent",
            name="action",
            field=models.CharField(
                choices=[
                    ("viewed", "Viewed"),
                    ("created", "Created"),
                    ("changed", "Changed"),
                    ("ended", "Ended"),
                    ("deleted", "Deleted"),
                    ("enrolled", "Enrolled"),
                    ("booked", "Booked"),
                    ("released", "Released"),
                    ("marked", "Marked"),
                    ("finalized", "Finalized"),
                    ("amended", "Amended"),
                    ("published", "Published"),
                    ("cancelled", "Canceled"),
                    ("revoked", "Revoked"),
                    ("disclosed", "Disclosed"),
                    ("imported", "Imported"),
                    ("signed_in", "Signed in"),
                ],
                max_length=20,
                verbose_name="action",
            ),
        ),
    ]
