"""A payload that somebody has pasted: what the door would make of it, or what is wrong with it, in words."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from rest_framework.exceptions import APIException
from unfold.widgets import UnfoldAdminTextareaWidget

from integration.envelopes import LARGEST_BODY, parse_envelope


class PayloadForm(forms.Form):
    """A webhook's body, or its event alone; cleaned it is the event as it would be stored."""

    payload = forms.CharField(
        label=gettext_lazy("Payload"),
        # Without it an event can be picked.
        required=False,
        # The lines and columns of an error must be those that are seen.
        strip=False,
        help_text=gettext_lazy("A webhook's body, or its event alone, as JSON. At most 1 MiB."),
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 18, "spellcheck": "false", "class": "rc-payload"}),
    )

    def clean_payload(self) -> dict[str, Any]:
        """The event. Raises ValidationError."""
        body = str(self.cleaned_data["payload"]).encode("utf-8", "replace")
        if len(body) > LARGEST_BODY:
            raise ValidationError(_("This is larger than 1 MiB: the webhook address would not take it."))
        try:
            envelope = parse_envelope(body, bare=True)
        except APIException as error:
            raise ValidationError(_sentence(error)) from error
        event: dict[str, Any] = json.loads(envelope.document)["event"]
        return event


def _sentence(error: APIException) -> str:
    """What is wrong, with the line and the column where it is the JSON."""
    cause = error.__cause__
    if isinstance(cause, json.JSONDecodeError):
        return _("This is no JSON. Line %(line)s, column %(column)s: %(problem)s.") % {
            "line": cause.lineno,
            "column": cause.colno,
            "problem": cause.msg,
        }
    problems = " ".join(_problems(error.detail))
    return _("The webhook address would refuse this. %(problems)s") % {"problems": problems}


def _problems(detail: Any, where: str = "") -> Iterator[str]:
    if isinstance(detail, dict):
        for name, inner in detail.items():
            yield from _problems(inner, f"{where}.{name}" if where else str(name))
    elif isinstance(detail, list):
        for inner in detail:
            yield from _problems(inner, where)
    else:
        yield f"{where}: {detail}" if where else str(detail)
