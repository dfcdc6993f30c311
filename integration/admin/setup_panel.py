"""The panel above the settings: four steps with their states; one line where nothing is left to do.

What the steps are is decided in `setting_up`; here they get their words, values to copy and buttons.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from integration.admin import project_display as show
from integration.admin.display import copy_field, label
from integration.admin.setup_facts import gather
from integration.admin.setup_words import STATES, TITLES, sentence
from integration.models import Project
from integration.setting_up import Step, StepState, is_set_up, next_step, steps_of

ICONS = {
    StepState.DONE: "check_circle",
    StepState.ATTENTION: "warning",
    StepState.TO_DO: "radio_button_unchecked",
    StepState.WRONG: "error",
}


@dataclass(frozen=True, slots=True)
class StepPanel:
    """One step for the template."""

    number: int
    name: str
    title: str
    icon: str
    colour: str
    state: SafeString
    sentence: str
    # Folded out: the step to look at.
    opened: bool


def setup_panel(project: Project, now: datetime, *, may_operate: bool, registration: Any = None) -> dict[str, Any]:
    """What `integration/setup.html` shows. Values to copy and addresses of buttons only for those who may use them."""
    gathered = gather(project, now)
    steps = steps_of(gathered.facts)
    looked_at = next_step(steps)
    panel: dict[str, Any] = {
        "green": is_set_up(steps),
        "steps": [
            _panel(number, step, sentence(step.why, project, gathered, now), opened=step is looked_at)
            for number, step in enumerate(steps, 1)
        ],
        "may_operate": may_operate,
    }
    if not may_operate:
        return panel
    return panel | {
        "webhook_url": copy_field(project.webhook_url, _("the webhook URL")),
        "authorization": show.authorization_field(project, now),
        "webhook_registration": registration,
        "test": gathered.test,
        "urls": {
            name: reverse(f"admin:integration_project_{name}", args=[project.pk])
            for name in ("check_connection", "rotate_authorization", "send_test")
        },
    }


def _panel(number: int, step: Step, said: str, *, opened: bool) -> StepPanel:
    text, colour = STATES[step.state]
    return StepPanel(
        number=number,
        name=step.name.value,
        title=str(TITLES[step.name]),
        icon=ICONS[step.state],
        colour=colour,
        state=label(str(text), colour),
        sentence=said,
        opened=opened,
    )
