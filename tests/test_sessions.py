"""
Sessions that have ended do not pile up: the worker clears them away, and leaves those that people are in.
"""

from __future__ import annotations

from datetime import timedelta

from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone
from procrastinate.contrib.django import app

from integration import tasks
from integration.bells import PRUNE_QUEUE


def test_the_worker_clears_ended_sessions_every_hour_and_leaves_the_others(db: None) -> None:
    user = User.objects.create_user("ada", is_staff=True)
    ended, going_on = Client(), Client()
    for client in (ended, going_on):
        client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    over = Session.objects.filter(session_key=ended.cookies["sessionid"].value)
    over.update(expire_date=timezone.now() - timedelta(seconds=1))
    tasks.clear_sessions(timestamp=0)
    assert [session.session_key for session in Session.objects.all()] == [going_on.cookies["sessionid"].value]
    assert going_on.get("/admin/").status_code == 200
    periodic = {(task.task.name, task.task.queue, task.cron) for task in app.periodic_registry.periodic_tasks.values()}
    assert ("integration.clear_sessions", PRUNE_QUEUE, "17 * * * *") in periodic
