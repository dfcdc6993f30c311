"""
Guesses at the same instant: as many as the web server has threads are looked at before the first counts, and no more.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from axes.models import AccessAttempt
from django.conf import settings
from django.contrib.auth.models import User

from rcintercom.gunicorn import threads
from tests.rcintercom.web_server import Browser, serving


def test_no_more_guesses_get_through_at_once_than_the_limit_and_the_threads_allow(transactional_db: None) -> None:
    User.objects.create_user("ada", password="correct horse battery staple", is_staff=True)
    with serving() as server, ThreadPoolExecutor(12) as crowd:
        tries = [
            crowd.submit(Browser(server).submit, "/admin/login/", {"username": "ada", "password": f"guess {number}"})
            for number in range(24)
        ]
        assert {one.result() for one in tries} <= {200, 429}
    counted = AccessAttempt.objects.get().failures_since_start
    assert settings.AXES_FAILURE_LIMIT <= counted <= settings.AXES_FAILURE_LIMIT - 1 + threads
