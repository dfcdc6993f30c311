"""
What every test of the drain needs: a project whose Intercom is the stand-in, and a clock that only the test moves.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from django.utils import timezone

from integration.models import Project
from tests.factories import Clock, make_project
from tests.fake_intercom import FakeIntercom

ATTRIBUTES = ("latest_store", "latest_entitlement", "expires_at", "subscription_status")


@pytest.fixture
def project(db: None, intercom: FakeIntercom, settings: Any) -> Project:
    """A project that sends to the stand-in."""
    settings.INTERCOM_API_URL = intercom.url
    return make_project()


@pytest.fixture
def prepared(intercom: FakeIntercom) -> FakeIntercom:
    """A workspace that has our attributes already."""
    for name in ATTRIBUTES:
        intercom.add_attribute(name, "date" if name == "expires_at" else "string")
    return intercom


@pytest.fixture
def clock() -> Clock:
    """A clock for `run_drain(project, clock)`."""
    return Clock()


class Meanwhile:
    """A clock for `run_drain` that does something once, while the stand-in has so many calls before it.

    The drain's own thread asks for the time between looks, so that `act` uses the test's own connection and
    transaction, and nothing has to be slept for.
    """

    def __init__(
        self,
        intercom: FakeIntercom,
        act: Callable[[], None],
        *,
        calls: int = 1,
        time: Callable[[], datetime] | None = None,
    ) -> None:
        self._intercom = intercom
        self._act = act
        self._calls = calls
        self._time = time or timezone.now
        self._thread = threading.current_thread()
        self.done = False

    def __call__(self) -> datetime:
        """Now."""
        if not self.done and threading.current_thread() is self._thread and len(self._intercom.ledger) >= self._calls:
            self.done = True
            self._act()
        return self._time()
