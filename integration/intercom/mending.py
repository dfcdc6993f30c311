"""Makes custom attributes of contacts that a workspace lacks, when a call fails for want of one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from integration.intercom.client import IntercomClient
from integration.intercom.errors import AttributeProblemError, RejectedError, UnknownAttributeError


def mending_attributes(
    client: IntercomClient, types: Mapping[str, str], call: Callable[[], dict[str, Any]]
) -> dict[str, Any]:
    """Run `call`; where Intercom lacks one of the attributes in `types`, make what is missing and run it again.

    Raises AttributeProblemError where that does not help.
    """
    try:
        return call()
    except UnknownAttributeError as error:
        if error.name not in types:
            raise
        _make_missing(client, types)
    try:
        return call()
    except UnknownAttributeError as error:
        raise AttributeProblemError(
            f"{error.message} It could not be made: an archived attribute or a company attribute may have "
            "this name. Look in Intercom under Settings, Data, then resume the project."
        ) from error


def _make_missing(client: IntercomClient, types: Mapping[str, str]) -> None:
    existing = client.contact_attribute_names()
    for name, data_type in types.items():
        if name not in existing:
            _make(client, name, data_type)


def _make(client: IntercomClient, name: str, data_type: str) -> None:
    try:
        client.create_attribute(name, data_type)
    except RejectedError as error:
        # Another thread may have made it a moment ago. Whether it exists now, the repeated call tells.
        if "already have" in error.message:
            return
        raise AttributeProblemError(
            f"The contact attribute “{name}” could not be made in Intercom: {error.message} Archive attributes "
            "there under Settings, Data (a workspace holds 250), or keep fewer in this project's settings; then "
            "resume the project."
        ) from error
