"""`preview EVENT|FILE`: the calls that an event would make, or the setting that keeps it from being sent."""

from __future__ import annotations

import json
import time
from typing import Any

from django.core.management.base import CommandError, CommandParser

from integration.drain.rehearsal import Preview, preview
from integration.management.base import AppCommand
from integration.management.projects import chosen_project
from integration.mapping import Send
from integration.models import Project, WebhookEvent
from integration.revenuecat.samples import UnknownSampleError, load_sample


class Command(AppCommand):
    """Plans with the project's settings of today; nothing is stored, and nobody is called."""

    help = (
        "Show what Intercom would be told of an event with today's settings, or why nothing would be. No network. "
        "The event is the RevenueCat id of a stored one, the name of a sample, or a file with a webhook's body."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Which event, for which project."""
        parser.add_argument("event", metavar="EVENT|FILE")
        parser.add_argument("--project", metavar="ID|NAME", help="needed where there is more than one project")
        parser.add_argument("--json", action="store_true", help="print a JSON list, one object for each customer")

    def handle(self, *args: Any, **options: Any) -> None:
        """Raises CommandError where there is no such event."""
        project = chosen_project(options["project"])
        event, received_at_ms = self._event(project, options["event"])
        previews = preview(project, event, received_at_ms=received_at_ms)
        if options["json"]:
            self.stdout.write(json.dumps([_as_json(one) for one in previews], indent=2, ensure_ascii=False))
            return
        for one in previews:
            self._show(one)

    def _event(self, project: Project, given: str) -> tuple[dict[str, Any], int]:
        stored = WebhookEvent.objects.filter(project=project, event_id=given).first()
        if stored is not None:
            return stored.payload["event"], int(stored.received_at.timestamp() * 1000)
        try:
            return load_sample(given)["event"], int(time.time() * 1000)
        except UnknownSampleError as error:
            raise CommandError(f"“{project}” has no event with the id {given}. {error}") from error
        except ValueError as error:
            raise CommandError(str(error)) from error

    def _show(self, one: Preview) -> None:
        self.stdout.write(f"{one.app_user_id or 'Nobody'}: {_sentence(one)}")
        for call in one.calls:
            self.stdout.write(f"  {call['method']} {call['path']}")
            if call["request"] is not None:
                text = json.dumps(call["request"], indent=2, ensure_ascii=False)
                self.stdout.write("\n".join(f"    {line}" for line in text.splitlines()))
            if call["error"]:
                self.stdout.write(f"    {call['error']}")


def _sentence(one: Preview) -> str:
    if not isinstance(one.decided, Send):
        return f"not sent ({one.decided.reason}). {one.decided.sentence}"
    if one.decided.only_log:
        return "not sent, only logged: “Sandbox events” says so. These calls would be written down:"
    calls = "1 call" if len(one.calls) == 1 else f"{len(one.calls)} calls"
    return f"{calls}. {one.decided.note}".strip()


def _as_json(one: Preview) -> dict[str, Any]:
    sent = isinstance(one.decided, Send) and not one.decided.only_log
    calls = [{name: call[name] for name in ("method", "path", "request")} for call in one.calls]
    return {"app_user_id": one.app_user_id, "sent": sent, "why": _sentence(one), "calls": calls}
