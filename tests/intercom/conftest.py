"""
Our client against the stand-in, over real HTTP. Every test ends with the stand-in having nothing to complain of.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from integration.intercom.client import IntercomClient
from integration.intercom.rate_limit import RateBudget
from integration.transport import new_session
from tests.fake_intercom import FakeIntercom

TOKEN = "dG9rOjQ2YzVmNmJm_secret_4f2a="

MakeClient = Callable[..., IntercomClient]


@pytest.fixture
def make_client(intercom: FakeIntercom) -> Iterator[MakeClient]:
    """Clients of one session, as the attempts of one drain are; keyword arguments replace what is usual."""
    with new_session(4) as session:

        def made(**changes: object) -> IntercomClient:
            usual: dict[str, object] = {"base_url": intercom.url, "token": TOKEN, "budget": RateBudget()}
            return IntercomClient(session, **(usual | changes))  # type: ignore[arg-type]

        yield made


@pytest.fixture
def client(make_client: MakeClient) -> IntercomClient:
    """The client of one attempt."""
    return make_client()
