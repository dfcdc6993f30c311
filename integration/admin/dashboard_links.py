"""What somebody has chosen to see on the front page, and the addresses that lead from its numbers into the log."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.http import HttpRequest
from django.utils.translation import gettext as _

from integration.admin.display import list_url, local_time
from integration.figures import Span, Window
from integration.models import Delivery, Project

ENVIRONMENTS = ("PRODUCTION", "SANDBOX")


@dataclass(frozen=True, slots=True)
class Choice:
    """A range, a project or all, an environment or both. What an address names that there is not is passed over."""

    span: Span
    project: Project | None
    environment: str

    @classmethod
    def of(cls, request: HttpRequest, projects: Sequence[Project]) -> Choice:
        """What the address asks for, of these projects."""
        asked = request.GET
        span = asked.get("range", "")
        environment = asked.get("environment", "")
        return cls(
            Span(span) if span in set(Span) else Span.DAY,
            next((one for one in projects if str(one.pk) == asked.get("project")), None),
            environment if environment in ENVIRONMENTS else "",
        )

    def url(self, **changes: str) -> str:
        """The address of the front page with something else chosen; "" takes a choice away."""
        present = {
            "range": str(self.span),
            "project": str(self.project.pk) if self.project else "",
            "environment": self.environment,
        }
        chosen = {name: value for name, value in (present | changes).items() if value}
        return f"?{urlencode(chosen)}"

    @property
    def spans(self) -> list[dict[str, Any]]:
        """The ranges to choose from, for unfold's navigation."""
        names = {
            Span.HOUR: _("Last hour"),
            Span.DAY: _("24 hours"),
            Span.WEEK: _("7 days"),
            Span.MONTH: _("30 days"),
        }
        return [_item(name, self.url(range=str(span)), span is self.span) for span, name in names.items()]

    @property
    def environments(self) -> list[dict[str, Any]]:
        """The environments to choose from."""
        names = {"": _("All"), "PRODUCTION": _("Production"), "SANDBOX": _("Sandbox")}
        return [_item(name, self.url(environment=key), key == self.environment) for key, name in names.items()]


def _item(title: str, url: str, active: bool) -> dict[str, Any]:
    return {"title": title, "link": url, "active": active}


@dataclass(frozen=True, slots=True)
class LogLinks:
    """Addresses of the log that show what a number has counted."""

    choice: Choice
    window: Window

    @property
    def project_id(self) -> UUID | None:
        """The chosen project."""
        return self.choice.project.pk if self.choice.project else None

    def log(self, project: Project | None = None, /, **filters: str) -> str:
        """Deliveries of the window, and of a project where one is named or chosen."""
        return self.log_of_all_times(project, **filters, **_since(self.window.start))

    def log_of_all_times(self, project: Project | None = None, /, **filters: str) -> str:
        """The same, however old."""
        of = project or self.choice.project
        if of is not None:
            filters["project__id__exact"] = str(of.pk)
        if self.choice.environment:
            filters["environment"] = self.choice.environment
        return list_url(Delivery, **filters)


def _since(start: datetime) -> dict[str, str]:
    local = local_time(start)
    return {"created_at_from_0": f"{local:%Y-%m-%d}", "created_at_from_1": f"{local:%H:%M:%S}"}
