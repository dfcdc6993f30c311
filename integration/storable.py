"""JSON that PostgreSQL can hold: it takes neither NUL nor half a surrogate pair. Pure, and used at both ends."""

from __future__ import annotations

import json
from typing import Any


def storable(document: Any) -> Any:
    """The same JSON document, with NUL shown as ␀ and lone surrogates as the replacement character."""
    return storable_with_text(document)[0]


def storable_with_text(document: Any) -> tuple[Any, str]:
    """What `storable` gives, and its JSON text."""
    text = json.dumps(document, ensure_ascii=False)
    if _is_storable(text):
        return document, text
    document = _clean(document)
    return document, json.dumps(document, ensure_ascii=False)


def depth(document: Any) -> int:
    """How deep objects and lists are nested; a loop, because recursion is what deep nesting breaks."""
    deepest, level = 0, [document]
    while level:
        level = [
            item
            for container in level
            if isinstance(container, dict | list)
            for item in (container.values() if isinstance(container, dict) else container)
        ]
        deepest += 1
    return deepest


def _is_storable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return "\\u0000" not in text


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return value.replace("\x00", "\u2400").encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, list):
        return [_clean(item) for item in value]
    if isinstance(value, dict):
        return {_clean(key): _clean(item) for key, item in value.items()}
    return value
