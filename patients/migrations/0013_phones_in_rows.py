"""Remove the column with the one phone number, which the previous migration has copied.

The column is removed in a transaction of its own: PostgreSQL can't alter a table
while constraint checks of its new rows are pending.
"""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("patients", "0012_contacts")]

    operations = [migrations.RemoveField(model_name="patient", name="phone")]
