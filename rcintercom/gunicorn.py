"""How gunicorn serves the app; `manage.py run` gives it the address. Plain settings, no behaviour.

Reference: https://gunicorn.org/reference/settings/. The size of a request's body is bounded by the app.
"""

from __future__ import annotations

import environ

env = environ.Env()

wsgi_app = "rcintercom.wsgi:application"

# Threads wait for the database together; two processes use two cores and survive each other.
worker_class = "rcintercom.web_worker.Worker"
workers = 2
threads = 4
keepalive = 5
# Open at once in one process, most of them waiting: far below the 1,024 files that a process may usually have open.
worker_connections = 500

# A client gets so long for the whole head of a request, and for the whole body, however it deals its bytes out.
HEAD_SECONDS = env.float("REQUEST_HEAD_SECONDS", default=10.0)
BODY_SECONDS = env.float("REQUEST_BODY_SECONDS", default=30.0)

# A worker that does not answer for this long is replaced; one that is stopped finishes what it has begun.
timeout = 30
graceful_timeout = 25

# RevenueCat's requests and the admin's fit easily; whoever sends more is told so before the app sees it.
limit_request_line = 4094
limit_request_fields = 64
limit_request_field_size = 8190

# No header of a client's is taken for more than a header, wherever it comes from: gunicorn would let SCRIPT_NAME and
# PATH_INFO move a path past the rules of a proxy on this machine, and answer 500 where two headers contradict each
# other about HTTPS. Whether a request came over HTTPS is Django's to say (SECURE_PROXY_SSL_HEADER).
forwarder_headers = ""
secure_scheme_headers: dict[str, str] = {}

# Nothing but HTTP: the control socket would be one more door.
control_socket_disable = True
# The app writes a line where it matters; `--access-logfile -` shows every request.
accesslog = None
errorlog = "-"
