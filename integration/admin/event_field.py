"""The form field for one event type, a row of the table: its custom name, and for the optional ones a switch."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.validators import RegexValidator
from django.template.loader import render_to_string
from django.utils.safestring import SafeString
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminTextInputWidget, UnfoldBooleanSwitchWidget

from integration.event_types import CatalogueRow
from integration.mapping import EventPolicy

LONGEST_EVENT_NAME = 120
# https://developers.intercom.com/docs/references/rest-api/api.intercom.io/data-events
_NAME_RULE = RegexValidator(r"[.$]", _("Leave out “.” and “$”: Intercom would store them as “-”."), inverse_match=True)

# The names of the parts in a POST: Django makes them of the keys of EventWidget's widgets.
SWITCH = "_send"
_SUFFIXES = ("_name", SWITCH)


def event_field(row: CatalogueRow) -> str:
    """The name of the form field of an event type."""
    return f"event_{row.event_type}"


class EventWidget(forms.MultiWidget):
    """A text field with the default name as its placeholder, and the switch."""

    def __init__(self, row: CatalogueRow) -> None:
        self._row = row
        text = UnfoldAdminTextInputWidget(attrs={"placeholder": row.default_name, "spellcheck": "false"})
        widgets: dict[str, forms.Widget | type[forms.Widget]] = {"name": text}
        if row.optional:
            widgets["send"] = UnfoldBooleanSwitchWidget(attrs={"aria-label": format_lazy(_("Send “{}”"), _(row.label))})
        super().__init__(widgets)

    def decompress(self, value: EventPolicy | None) -> list[Any]:
        """The parts as the two widgets show them."""
        policy = value or EventPolicy.default(self._row)
        return [policy.custom_name, policy.enabled][: len(self.widgets)]

    def parts(
        self, name: str, value: Any, attrs: dict[str, Any] | None = None, renderer: Any = None
    ) -> tuple[SafeString, SafeString | None]:
        """The text field, and the switch where there is one."""
        values = value if isinstance(value, list) else self.decompress(value)
        made: list[SafeString] = []
        for suffix, widget, part in zip(_SUFFIXES, self.widgets, values, strict=False):
            # The label belongs to the text field, so that one keeps the id.
            own = {"id": f"id_{name}{suffix}"} if made else {**(attrs or {}), "id": f"id_{name}"}
            made.append(widget.render(name + suffix, part, own, renderer))
        return made[0], made[1] if len(made) > 1 else None

    def render(self, name: str, value: Any, attrs: dict[str, Any] | None = None, renderer: Any = None) -> SafeString:
        """Both in one line."""
        return render_to_string("integration/event_field.html", {"parts": self.parts(name, value, attrs, renderer)})

    def id_for_label(self, id_: str) -> str:
        """The text field, which the row's label belongs to."""
        return id_


class EventBoundField(forms.BoundField):
    """What a row of the table shows."""

    @property
    def parts(self) -> dict[str, SafeString | None]:
        """`name` and `switch`; the text field is described by when the event is sent, and by what is wrong with it."""
        attrs: dict[str, Any] = {"aria-describedby": f"{self.auto_id}_when"}
        if self.errors:
            attrs = {"aria-describedby": f"{self.auto_id}_when {self.auto_id}_error", "aria-invalid": "true"}
        widget: Any = self.field.widget
        name, switch = widget.parts(self.html_name, self.value(), attrs)
        return {"name": name, "switch": switch}


class EventField(forms.MultiValueField):
    """Gives an EventPolicy; a name equal to the default is no custom name."""

    bound_field_class = EventBoundField
    # For templates: such a field is a row of the table of events.
    is_event = True

    def __init__(self, row: CatalogueRow) -> None:
        self._row = row
        fields: list[forms.Field] = [
            forms.CharField(required=False, max_length=LONGEST_EVENT_NAME, validators=[_NAME_RULE])
        ]
        if row.optional:
            fields.append(forms.BooleanField(required=False))
        super().__init__(
            fields,
            label=_(row.label),
            help_text=_(row.description),
            required=False,
            require_all_fields=False,
            widget=EventWidget(row),
        )

    def compress(self, data_list: list[Any]) -> EventPolicy:
        """The value of the parts."""
        name = data_list[0] if data_list else ""
        enabled = bool(data_list[1]) if len(data_list) > 1 else not self._row.optional
        return EventPolicy(enabled=enabled, custom_name="" if name == self._row.default_name else name)
