"""
A stateful stand-in for RevenueCat's API v2 over real HTTP: a project, its products, customers and webhooks.

It answers as RevenueCat is documented to answer (https://www.revenuecat.com/docs/api-v2), must never import the app or
Django, nor be kinder than RevenueCat.

    with FakeRevenueCat() as revenuecat:
        revenuecat.add_customer("user-1", subscription(status="active"))
        revenuecat.fail(503, times=2)
        ...
        assert revenuecat.paths() == ["/v2/projects/proj1ab2c3d4/customers/user-1/subscriptions"]

As a program (`python -m tests.fake_revenuecat`) it is told over HTTP what it knows, see `control.py`.
"""

from __future__ import annotations

from tests.fake_revenuecat.objects import subscription
from tests.fake_revenuecat.server import KEY, PROJECT, FakeRevenueCat

__all__ = ["KEY", "PROJECT", "FakeRevenueCat", "subscription"]
