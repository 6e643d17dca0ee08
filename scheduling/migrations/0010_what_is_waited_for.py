from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("scheduling", "0009_letters")]

    operations = [
        migrations.AddField(
            model_name="waitingentry",
            name="note",
            field=models.CharField(blank=True, help_text="What would have to come free.", max_length=200),
        ),
    ]
