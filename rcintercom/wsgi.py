"""The WSGI entry point: what the web server loads."""

from __future__ import annotations

import os
from importlib import import_module

from django.conf import settings
from django.core.wsgi import get_wsgi_application

from rcintercom.bad_text import without_foreign_charset

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "rcintercom.settings")
application = without_foreign_charset(get_wsgi_application())
# Django would load the pages with the first request, which would wait for them.
import_module(settings.ROOT_URLCONF)
