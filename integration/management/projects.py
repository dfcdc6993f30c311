"""Which project a command means; shared by the commands."""

from __future__ import annotations

import uuid

from django.core.management.base import CommandError

from integration.models import Project


def chosen_project(project_id: str | None) -> Project:
    """The project with this id, or the only one there is. Raises CommandError with the list of projects."""
    projects = list(Project.objects.all())
    if project_id is None and len(projects) == 1:
        return projects[0]
    wanted = _uuid(project_id)
    found = [project for project in projects if project.pk == wanted]
    if found:
        return found[0]
    listed = "\n".join(f"  {project.pk}  {project.name}" for project in projects)
    problem = "Say which project with --project ID." if project_id is None else f"There is no project {project_id}."
    raise CommandError(
        f"{problem}\n{listed}" if projects else "There is no project yet. Make one with: manage.py createproject NAME"
    )


def _uuid(text: str | None) -> uuid.UUID | None:
    try:
        return uuid.UUID(text or "")
    except ValueError:
        return None
