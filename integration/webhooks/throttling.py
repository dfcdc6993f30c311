"""How many refusals are explained before the answer is 429: counts what is refused, and never what is good.

The counts are in the memory of each web process, bounded, and gone with it: a flood costs no write. A good webhook
is not looked at here, so that a flood from its own address or against its own project cannot keep it out.
"""

from __future__ import annotations

import math
from typing import Any

from django.core.cache import caches
from django.utils.connection import ConnectionProxy
from rest_framework.request import Request
from rest_framework.throttling import SimpleRateThrottle

from rcintercom.client_address import client_address

TOO_MANY = "Too many such requests were refused."


class _RefusalThrottle(SimpleRateThrottle):
    """A rate of refusals by one key. DRF has no types for the alias of a cache."""

    cache: Any = ConnectionProxy(caches, "refusals")

    def wait(self) -> float | None:
        """Whole seconds, at least one: they go into a header that has no fractions."""
        seconds = super().wait()
        return None if seconds is None else max(math.ceil(seconds), 1)


class RefusalsByAddress(_RefusalThrottle):
    """60 a minute and process from one address: many times what a wrong setting makes."""

    rate = "60/min"

    def get_cache_key(self, request: Request, view: Any) -> str | None:
        """The client's address; not counted where there is none."""
        address = client_address(request._request)
        return address and f"address-{address}"


class RefusalsByProject(_RefusalThrottle):
    """600 a minute and process for one project, from wherever they come."""

    rate = "600/min"

    def get_cache_key(self, request: Request, view: Any) -> str | None:
        """The project; not counted where there is no such project."""
        project = getattr(view, "project", None)
        return project and f"project-{project.pk}"
