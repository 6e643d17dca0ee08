import os

from django.core.wsgi import get_wsgi_application
from django.db.backends.signals import connection_created

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "iopmanager.settings")

application = get_wsgi_application()

from iopmanager.middleware.database_failures import limit_waiting  # noqa: E402 (needs the apps)

connection_created.connect(limit_waiting, dispatch_uid="limit_waiting")
