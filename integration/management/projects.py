"""Which project a command means; shared by the commands."""

from __future__ import annotations

from django.core.management.base import CommandError

from integration.models import Project


def chosen_project(wanted: str | None) -> Project:
    """The project with this id or name, or the only one there is. Raises CommandError with the list of projects."""
    projects = list(Project.objects.all())
    if wanted is None and len(projects) == 1:
        return projects[0]
    found = [project for project in projects if wanted is not None and wanted in (str(project.pk), project.name)]
    if found:
        return found[0]
    listed = "\n".join(f"  {project.pk}  {project.name}" for project in projects)
    problem = "Say which project with --project ID|NAME." if wanted is None else f"There is no project {wanted}."
    raise CommandError(
        f"{problem}\n{listed}" if projects else "There is no project yet. Make one with: manage.py createproject NAME"
    )
