"""The projects that this process has read already, so that a webhook need not read its project again.

A project remembered may be old. So nobody is refused by what is remembered, and what is stored says once more that the
project is still the one that let the webhook in (`Delivery.objects.accept`). Only projects that exist are remembered,
so however many addresses are tried, the memory stays as small as the list of projects.
"""

from __future__ import annotations

import uuid

from rest_framework.exceptions import NotFound

from integration.models import Project

_known: dict[uuid.UUID, Project] = {}


def known_project(project_id: str) -> Project:
    """The project of an address, from memory where it is known. Read only. Raises NotFound (404)."""
    key = _key(project_id)
    return _known.get(key) or _read(key)


def read_project(project_id: str) -> Project:
    """The project of an address as it is stored now. Read only. Raises NotFound (404)."""
    return _read(_key(project_id))


def _key(project_id: str) -> uuid.UUID:
    try:
        return uuid.UUID(project_id)
    except ValueError as error:
        raise _no_such_project() from error


def _read(key: uuid.UUID) -> Project:
    try:
        project = Project.objects.with_version().get(pk=key)
    except Project.DoesNotExist as error:
        _known.pop(key, None)
        raise _no_such_project() from error
    _known[key] = project
    return project


def _no_such_project() -> NotFound:
    return NotFound("There is no project with this address.")
