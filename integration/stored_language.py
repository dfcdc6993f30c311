"""The language of what is stored: one, whoever does something, because others read it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from django.utils import translation


@contextmanager
def stored_language() -> Iterator[None]:
    """What is said within is to be stored. Also a decorator: each call goes back to the language of its own thread.

    `translation.override` as a decorator remembers that in one place for all threads.
    """
    with translation.override(settings.LANGUAGE_CODE):
        yield
