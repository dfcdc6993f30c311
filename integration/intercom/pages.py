"""Where a contact is found in Intercom's own pages, for links that people follow. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote

# By region, as for the API (integration.intercom.client). Intercom's help links to all three.
PAGES: Mapping[str, str] = {
    "us": "https://app.intercom.com",
    "eu": "https://app.eu.intercom.com",
    "au": "https://app.au.intercom.com",
}
# Intercom's own links use it where the workspace is not known: it stands for the one that somebody is signed in to.
ANY_WORKSPACE = "_"


def contact_page(region: str, contact_id: str, workspace: str = "") -> str | None:
    """The page of a contact by Intercom's own id, or None where the region is not known here."""
    pages = PAGES.get(region)
    if pages is None or not contact_id:
        return None
    return f"{pages}/a/apps/{quote(workspace or ANY_WORKSPACE, safe='')}/users/{quote(contact_id, safe='')}"
