"""How gunicorn serves the app; `manage.py run` gives it the address. Plain settings, no behaviour.

Reference: https://gunicorn.org/reference/settings/. The size of a request's body is bounded by the app.
"""

from __future__ import annotations

wsgi_app = "rcintercom.wsgi:application"

# Threads wait for the database together; two processes use two cores and survive each other.
worker_class = "gthread"
workers = 2
threads = 4
keepalive = 5

# A worker that does not answer for this long is replaced; one that is stopped finishes what it has begun.
timeout = 30
graceful_timeout = 25

# RevenueCat's requests and the admin's fit easily; whoever sends more is told so before the app sees it.
limit_request_line = 4094
limit_request_fields = 64
limit_request_field_size = 8190

# Nothing but HTTP: the control socket would be one more door.
control_socket_disable = True
# The app writes a line where it matters; `--access-logfile -` shows every request.
accesslog = None
errorlog = "-"
