"""The programs that the demo starts: stand-ins for both vendors, and the app, which takes them for the vendors."""

from __future__ import annotations

import socket
import sys
from contextlib import ExitStack, closing
from dataclasses import dataclass

from django.conf import settings

from rcintercom.supervisor import Program


@dataclass(frozen=True, slots=True)
class StandIns:
    """Where the stand-ins listen."""

    intercom: str
    revenuecat: str


def stand_in(vendor: str, module: str, port: int) -> Program:
    """The program that answers like a vendor."""
    return Program(f"stand-in for {vendor}", [sys.executable, "-m", module, "--port", str(port)])


def app_with(stand_ins: StandIns) -> Program:
    """The app, which takes the stand-ins for the vendors."""
    addresses = {"INTERCOM_API_URL": stand_ins.intercom, "REVENUECAT_API_URL": f"{stand_ins.revenuecat}/v2"}
    run = [sys.executable, str(settings.BASE_DIR / "manage.py"), "run", "--port", str(settings.PORT)]
    return Program("app", run, addresses)


def free_ports(count: int) -> list[int]:
    """Different ones, because all are held until all are known."""
    with ExitStack() as held:
        probes = [held.enter_context(closing(socket.socket())) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [int(probe.getsockname()[1]) for probe in probes]
