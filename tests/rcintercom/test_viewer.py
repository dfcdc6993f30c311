"""
The time zone and the language of whoever looks: taken from the browser where this server knows them, for pages only.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone, translation
from django.utils.translation import trans_real

from integration.models import Delivery
from rcintercom.viewer import TIME_ZONE_COOKIE, known_zone
from tests.admin.conftest import delivery_url, text_of
from tests.factories import make_project, receive

LIST = "/admin/integration/delivery/"
LATE = datetime(2026, 1, 1, 20, tzinfo=UTC)


@pytest.fixture
def delivery(db: None) -> Delivery:
    """Something that arrived in the evening, in Greenwich."""
    owed = receive(make_project("Larkfield"), app_user_id="late-at-night")
    Delivery.objects.update(created_at=LATE)
    return owed


@pytest.mark.parametrize(
    ("cookie", "shown"),
    [
        ("Asia%2FTokyo", "2026-01-02 05:00:00 JST"),
        ("Asia/Tokyo", "2026-01-02 05:00:00 JST"),
        ("America%2FArgentina%2FBuenos_Aires", "2026-01-01 17:00:00 -03"),
        ("Etc%2FGMT%2B5", "2026-01-01 15:00:00 -05"),
        ("", "2026-01-01 21:00:00 CET"),
        ("Mars%2FOlympus_Mons", "2026-01-01 21:00:00 CET"),
    ],
)
def test_times_are_in_the_browsers_zone_or_else_in_the_servers(
    admin_client: Client, delivery: Delivery, settings: Any, cookie: str, shown: str
) -> None:
    settings.TIME_ZONE = "Europe/Berlin"
    admin_client.cookies[TIME_ZONE_COOKIE] = cookie
    assert shown in text_of(admin_client.get(delivery_url(delivery.pk)))


def test_a_page_names_the_zone_of_its_times(admin_client: Client, delivery: Delivery) -> None:
    admin_client.cookies[TIME_ZONE_COOKIE] = "Asia/Tokyo"
    for path in ("/admin/", LIST, delivery_url(delivery.pk)):
        assert "Times are in the time zone Asia/Tokyo (UTC+0900)." in text_of(admin_client.get(path))


def test_a_day_of_the_time_filter_is_a_day_of_the_viewers(admin_client: Client, delivery: Delivery) -> None:
    def found(**query: str) -> bool:
        return "late-at-night" in text_of(admin_client.get(LIST, query))

    assert found(created_at_to_0="2026-01-01") and not found(created_at_from_0="2026-01-02")
    admin_client.cookies[TIME_ZONE_COOKIE] = "Asia/Tokyo"
    assert found(created_at_from_0="2026-01-02") and not found(created_at_to_0="2026-01-01")


@pytest.mark.parametrize(
    "name",
    ["../../etc/passwd", "/etc/localtime", "America", "zone.tab", "leapseconds", "UTC\0", "Ä/Ö", "\\"],
)
def test_no_name_reaches_anything_but_a_zone(name: str) -> None:
    assert known_zone(name) is None


def test_one_persons_zone_is_not_the_next_ones(client: Client, admin_client: Client, delivery: Delivery) -> None:
    admin_client.cookies[TIME_ZONE_COOKIE] = "Asia/Tokyo"
    text_of(admin_client.get(LIST))
    assert timezone.get_current_timezone_name() == "UTC"


def test_outside_of_the_admin_nothing_is_looked_at(client: Client, db: None) -> None:
    client.cookies[TIME_ZONE_COOKIE] = "Asia/Tokyo"
    answer = client.get("/health/web/")
    assert "Content-Language" not in answer.headers and "Accept-Language" not in answer.headers.get("Vary", "")


# --- Languages ----------------------------------------------------------------------------------------------------


def write_catalogue(file: Path, texts: Mapping[str, str]) -> None:
    """A compiled catalogue, as `compilemessages` makes it (https://www.gnu.org/software/gettext/manual, “MO Files”)."""
    entries = sorted({"": "Content-Type: text/plain; charset=UTF-8\n", **texts}.items())
    head, pairs = 28, len(entries)
    keys, values = ([text.encode() for text in column] for column in zip(*entries, strict=True))
    tables, blob = b"", b""
    for texts_of in (keys, values):
        for text in texts_of:
            tables += struct.pack("<II", len(text), head + 16 * pairs + len(blob))
            blob += text + b"\0"
    file.parent.mkdir(parents=True)
    file.write_bytes(struct.pack("<7I", 0x950412DE, 0, pairs, head, head + 8 * pairs, 0, 0) + tables + blob)


@pytest.fixture
def german(settings: Any, tmp_path: Path) -> Iterator[None]:
    """The app with a second language, of which one text is translated."""
    said = {"Times are in the time zone %(zone)s (UTC%(offset)s).": "Zeiten in %(zone)s, UTC%(offset)s."}
    write_catalogue(tmp_path / "de" / "LC_MESSAGES" / "django.mo", said)
    settings.LOCALE_PATHS = [tmp_path]
    settings.LANGUAGES = [("en", "English"), ("de", "Deutsch")]
    forget_languages()
    yield
    forget_languages()


def forget_languages() -> None:
    """Django reads catalogues once in the life of a process."""
    real: Any = trans_real
    real._translations = {}
    real.get_languages.cache_clear()
    real._get_supported_language_variant.cache_clear()
    real.translation_catalog_exists.cache_clear()
    translation.activate("en-us")


def test_a_language_that_is_added_is_spoken_to_browsers_that_ask_for_it(admin_client: Client, german: None) -> None:
    page = admin_client.get("/admin/", headers={"Accept-Language": "de-AT,de;q=0.9"})
    assert "Zeiten in UTC, UTC+0000." in text_of(page) and page.headers["Content-Language"] == "de"
    assert "Times are in the time zone UTC (UTC+0000)." in text_of(admin_client.get("/admin/"))


def test_a_language_that_the_app_does_not_have_is_not_spoken_in_half(admin_client: Client, db: None) -> None:
    page = text_of(admin_client.get("/admin/", headers={"Accept-Language": "fr"}))
    assert 'lang="en"' in page and "Log out" in page
