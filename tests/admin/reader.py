"""
Somebody who reads in another language, of which every text there is has been translated: it stands in «quotes».
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.utils import translation
from django.utils.translation import trans_real

LANGUAGE = "de"
QUOTE = "«"


class Quoted(trans_real.DjangoTranslation):
    """A catalogue with a translation for everything."""

    def gettext(self, message: str) -> str:
        """The text in quotes; the name of a format stays what it is."""
        return f"{QUOTE}{message}»"

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        """The form for the number in quotes."""
        return f"{QUOTE}{msgid1 if n == 1 else msgid2}»"


@contextmanager
def another_language(settings: Any) -> Iterator[None]:
    """Within it the app has that language, for browsers that ask for it."""
    settings.LANGUAGES = [("en", "English"), (LANGUAGE, "Deutsch")]
    real: Any = trans_real
    real._translations[LANGUAGE] = Quoted(LANGUAGE)
    try:
        yield
    finally:
        del real._translations[LANGUAGE]
        translation.activate("en-us")
