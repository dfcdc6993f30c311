"""What the settings of a project must not be together, said next to the field that has to change.

What is a clash is decided in `mapping.names`; here it gets its words and its place.
"""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext as _

from integration.admin.event_field import event_field
from integration.event_types import CATALOGUE, CatalogueRow
from integration.intercom.messages import normalised_event_name
from integration.mapping import ContactPolicy, EventPolicy, ProjectPolicy
from integration.mapping.names import (
    MOST_EVENT_NAMES,
    Clash,
    ClashKind,
    attribute_clashes,
    custom_type_clashes,
    event_names,
)
from integration.models import Project
from integration.models.mapping_settings import Revenue, Sandbox
from integration.models.revenuecat_settings import Nightly


class ProjectRules(forms.Form):
    """Each check adds its errors; `instance` is the project as it is stored, where there is one."""

    instance: Project

    def check_rules(self, cleaned: dict[str, Any]) -> None:
        """All of them."""
        # All are looked at before any is refused: add_error() takes a refused value out of what is compared.
        twins = {row: self._twin(row) for row in CATALOGUE}
        clashes = self._custom_type_problems(cleaned)
        for row, twin in twins.items():
            if twin is not None:
                self._refuse(event_field(row), _("“%s” has this name already. Give each its own.") % _(twin.label))
        for problem in clashes:
            self._refuse("custom_types", problem)
        self._check_number_of_names(cleaned)
        self._check_attributes(cleaned)
        self._check_sandbox(cleaned)

    def _refuse(self, field: str, message: str) -> None:
        if field in self.fields:
            self.add_error(field, message)

    # --- Names of events ---------------------------------------------------------------------------------

    def _name(self, row: CatalogueRow) -> str:
        policy: EventPolicy | None = self.cleaned_data.get(event_field(row))
        return (policy.custom_name if policy else "") or row.default_name

    def _twin(self, row: CatalogueRow) -> CatalogueRow | None:
        """Another event type that has this one's custom name."""
        name = self._name(row)
        if name == row.default_name:
            return None
        wanted = normalised_event_name(name)
        others = (other for other in CATALOGUE if other is not row)
        return next((other for other in others if normalised_event_name(self._name(other)) == wanted), None)

    def _custom_type_problems(self, cleaned: dict[str, Any]) -> list[str]:
        names = {row.label: self._name(row) for row in CATALOGUE}
        return [clash_sentence(one) for one in custom_type_clashes(cleaned.get("custom_types") or {}, names)]

    def _check_number_of_names(self, cleaned: dict[str, Any]) -> None:
        """Intercom refuses the events of one name too many, not the settings: so it is said before they are saved."""
        if self.instance._state.adding or "custom_types" not in cleaned or not self.has_changed():
            return
        policies = {row.event_type: self.cleaned_data.get(event_field(row)) for row in CATALOGUE}
        wanted = ProjectPolicy(
            events={event_type: policy for event_type, policy in policies.items() if policy is not None},
            custom_types=cleaned["custom_types"],
        )
        mine, others = event_names(wanted), names_of_the_others(self.instance)
        # What is too many already must not keep anybody from saving something else.
        if len(mine | others) > max(MOST_EVENT_NAMES, len(event_names(self.instance.policy()) | others)):
            self._refuse("custom_types", too_many_sentence(len(mine | others), len(others - mine)))

    # --- The contact, and others --------------------------------------------------------------------------

    def _check_attributes(self, cleaned: dict[str, Any]) -> None:
        contact = ContactPolicy(
            facts=tuple(cleaned.get("contact_facts") or ()),
            prefix=cleaned.get("attribute_prefix") or "",
            subscriber_attributes=cleaned.get("subscriber_attributes") or {},
        )
        totals = bool(cleaned.get("lifetime_totals")) and cleaned.get("money") != Revenue.OFF
        for source, name in list(attribute_clashes(contact, totals=totals)):
            self._refuse(
                "subscriber_attributes",
                _("“%(source)s” would be written over “%(name)s”, which is kept already. Give it another name.")
                % {"source": source, "name": name},
            )

    def _check_sandbox(self, cleaned: dict[str, Any]) -> None:
        """Whoever hands over needs somebody who sends."""
        other: Project | None = cleaned.get("sandbox_project")
        if cleaned.get("sandbox") != Sandbox.OTHER:
            return
        if other is None or other == self.instance:
            self._refuse("sandbox_project", _("Choose the other project that sends the sandbox events."))
        elif other.sandbox != Sandbox.SEND:
            self._refuse(
                "sandbox_project", _("“%s” does not send sandbox events. Change that there first.") % other.name
            )

    def check_asking(self, cleaned: dict[str, Any], *, has_key: bool, is_new_key: bool) -> None:
        """RevenueCat can be asked only with a key, about a project."""
        nightly = cleaned.get("reconcile_nightly", Nightly.OFF) != Nightly.OFF
        if nightly and not has_key:
            self._refuse("reconcile_nightly", _("This needs a RevenueCat API key."))
        if (is_new_key or nightly) and not cleaned.get("revenuecat_project", ""):
            self._refuse("revenuecat_project", _("RevenueCat cannot be asked without the id of the project there."))


def clash_sentence(clash: Clash) -> str:
    """What is wrong with a custom type, and what to do."""
    words = {
        ClashKind.KNOWN_TYPE: _("“%(type)s” is the event type “%(other)s”: name it there instead."),
        ClashKind.SAME_TYPE: _("“%(type)s” and “%(other)s” are the same type to RevenueCat. Keep one of them."),
        ClashKind.SAME_NAME: _("The name for “%(type)s” is that of “%(other)s” already. Give each its own."),
    }
    return words[clash.kind] % {"type": clash.type, "other": clash.other}


def too_many_sentence(names: int, of_others: int) -> str:
    """Why one more event name would be one too many."""
    elsewhere = _(" (%d of them only in other projects here)") % of_others if of_others else ""
    return _(
        "These would be %(names)d event names in the Intercom workspace%(elsewhere)s, and it takes at most %(most)d. "
        "Use a name that exists, or switch event types off."
    ) % {"names": names, "elsewhere": elsewhere, "most": MOST_EVENT_NAMES}


def names_of_the_others(project: Project) -> frozenset[str]:
    """The event names of the other projects in the same workspace, as far as it is known which those are."""
    if not project.workspace_id:
        return frozenset()
    others = Project.objects.filter(workspace_id=project.workspace_id).exclude(pk=project.pk)
    names = (event_names(other.policy()) for other in others.prefetch_related("event_settings"))
    return frozenset[str]().union(*names)
