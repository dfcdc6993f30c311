"""
Fixtures that every part of the tests may use. They start real servers and never patch the app.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.core.cache import caches

from tests.fake_intercom import FakeIntercom
from tests.fake_revenuecat import FakeRevenueCat


@pytest.fixture(autouse=True)
def no_refusals_yet() -> None:
    """The door of this process begins to count anew: it would take all tests for one flood."""
    caches["refusals"].clear()


@pytest.fixture
def intercom() -> Iterator[FakeIntercom]:
    """A stand-in for Intercom that listens, empty, on a port of its own."""
    with FakeIntercom() as running:
        yield running


@pytest.fixture
def revenuecat() -> Iterator[FakeRevenueCat]:
    """A stand-in for RevenueCat's API that listens, empty, on a port of its own."""
    with FakeRevenueCat() as running:
        yield running
