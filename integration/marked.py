"""Marks texts for translation where Django is not known. Pure.

xgettext finds them by the name of the function; whoever shows one translates it then.
"""

from __future__ import annotations


def gettext_noop(text: str) -> str:
    """The text as it is: what is stored and what Intercom hears is in one language."""
    return text
