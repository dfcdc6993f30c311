"""Whose request this is, for counting refusals: the address of the client, behind as many proxies as are trusted.

It is good for telling clients apart, and for nothing else: no address gets in anywhere for being what it is.
"""

from __future__ import annotations

import ipaddress

from django.conf import settings
from django.http import HttpRequest

# What one subscriber of a provider commonly gets: whoever has one IPv6 address has all of these.
IPV6_PREFIX = 64


def client_address(request: HttpRequest) -> str | None:
    """An IPv4 address, or the network of an IPv6 one; None where it is not known, on a Unix socket for example.

    With TRUSTED_PROXIES=n it is what the outermost of n proxies has added to X-Forwarded-For, the n-th from the
    right: anything further left is what the client claims.
    """
    hops = max(settings.TRUSTED_PROXIES or 0, 0)
    claimed = str(request.META.get("HTTP_X_FORWARDED_FOR", "")).split(",") if hops else []
    if hops and len(claimed) >= hops:
        return _normal(claimed[-hops]) or _normal(str(request.META.get("REMOTE_ADDR", "")))
    return _normal(str(request.META.get("REMOTE_ADDR", "")))


def _normal(text: str) -> str | None:
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(ipaddress.ip_network((address, IPV6_PREFIX), strict=False).network_address)
