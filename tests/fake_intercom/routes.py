"""
Which route a request is for: the method and the path with ids replaced, as in Intercom's reference.

Only names; what a route does stands in `api.py`.
"""

from __future__ import annotations

from urllib.parse import unquote

UNKNOWN_ROUTE = "unknown"
PLAIN = frozenset(
    {
        "GET /me",
        "POST /contacts",
        "POST /contacts/search",
        "GET /data_attributes",
        "POST /data_attributes",
        "POST /events",
    }
)
# Method, what stands before the id, what after it, and the route. The first that fits is taken.
WITH_ID = (
    ("GET", "/contacts/find_by_external_id/", "", "GET /contacts/find_by_external_id/{external_id}"),
    ("POST", "/contacts/", "/unarchive", "POST /contacts/{id}/unarchive"),
    ("GET", "/contacts/", "", "GET /contacts/{id}"),
    ("PUT", "/contacts/", "", "PUT /contacts/{id}"),
    ("PUT", "/data_attributes/", "", "PUT /data_attributes/{id}"),
)


def route_of(method: str, path: str) -> tuple[str, str]:
    """The route of a request, and the id in its path, with percent-encoding undone."""
    plain = f"{method} {path}"
    if plain in PLAIN:
        return plain, ""
    for wanted, before, after, route in WITH_ID:
        if method == wanted and path.startswith(before) and path.endswith(after):
            argument = path[len(before) : len(path) - len(after)]
            if argument and "/" not in argument:
                return route, unquote(argument)
    return UNKNOWN_ROUTE, ""
