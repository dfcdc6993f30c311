"""
What asking RevenueCat needs: a project whose Intercom and RevenueCat are the stand-ins.
"""

from __future__ import annotations

from typing import Any

import pytest

from integration.models import Project
from integration.models.secrets import Secret
from tests.factories import make_project
from tests.fake_intercom import FakeIntercom
from tests.fake_revenuecat import KEY, FakeRevenueCat


@pytest.fixture
def project(db: None, intercom: FakeIntercom, revenuecat: FakeRevenueCat, settings: Any) -> Project:
    """A project that can ask RevenueCat."""
    settings.INTERCOM_API_URL = intercom.url
    settings.REVENUECAT_API_URL = revenuecat.url
    return make_project("Larkfield", revenuecat_api_key=Secret.of(KEY), revenuecat_project="1ab2c3d4")
