"""The sections of the settings page, and which of their fields somebody does not see.

Those that most projects leave alone are folded; Django unfolds one that has an error.
"""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

from integration.admin.project_form import EVENT_FIELDS, MORE_EVENT_FIELDS
from integration.admin.secret_fields import API_KEY, CLEAR_API_KEY, CLEAR_SIGNING, SIGNING, TOKEN

# A section whose event types are the rows of a table.
EVENTS = "rc-events"
FOLDED = "collapse"

ADDING: Any = (
    (
        None,
        {
            "fields": ("name", TOKEN, "region", "sandbox"),
            "description": _(
                "After saving, the project's page leads through the rest: checking the token, the webhook in "
                "RevenueCat, the events, and a test."
            ),
        },
    ),
)
SECTIONS: Any = (
    (None, {"fields": ("name", "active", "state_sentence", "pending")}),
    (
        _("Intercom"),
        {"fields": (TOKEN, "region", "missing_contact", "identity", "anonymous")},
    ),
    (
        _("Events"),
        {
            "fields": EVENT_FIELDS,
            "classes": (EVENTS,),
            "description": _(
                "The name under which Intercom is told of each event; blank is the default, in grey. At most 120 "
                "characters, without “.” and “$”, each one different; capitals make no difference to Intercom."
            ),
        },
    ),
    (
        _("More events"),
        {
            "fields": (*MORE_EVENT_FIELDS, "custom_types"),
            "classes": (EVENTS, FOLDED),
            "description": _("RevenueCat's own integration does not send these. Each is off until you switch it on."),
        },
    ),
    (
        _("Sandbox"),
        {"fields": ("sandbox", "sandbox_project"), "classes": (FOLDED,)},
    ),
    (
        _("Signed webhooks"),
        {"fields": (SIGNING, CLEAR_SIGNING), "classes": (FOLDED,)},
    ),
    (
        _("Money"),
        {"fields": ("money", "money_currency", "lifetime_totals"), "classes": (FOLDED,)},
    ),
    (
        _("What data events say"),
        {"fields": ("metadata_keys", "product_names"), "classes": (FOLDED,)},
    ),
    (
        _("What contacts keep"),
        {
            "fields": (
                "contact_facts",
                "attribute_prefix",
                "subscriber_attributes",
                "email_rule",
                "name_rule",
                "phone_rule",
            ),
            "classes": (FOLDED,),
        },
    ),
    (
        _("RevenueCat"),
        {
            "fields": ("revenuecat_project", API_KEY, CLEAR_API_KEY, "reconcile_nightly", "compared"),
            "classes": (FOLDED,),
        },
    ),
    (
        _("Privacy"),
        {
            "fields": ("keep_successes_days", "keep_failures_days", "forgotten_customers"),
            "classes": (FOLDED,),
            "description": _("How long the log is kept. What is pending is always kept."),
        },
    ),
    (
        _("Access"),
        {
            "fields": ("members",),
            "classes": (FOLDED,),
            "description": _(
                "Who sees this project, besides superusers. Somebody new is let in with “Give access” above: it makes "
                "the account, gives it a role and makes it a member here."
            ),
        },
    ),
)
_FOR_OPERATORS = frozenset({TOKEN, SIGNING, CLEAR_SIGNING, API_KEY, CLEAR_API_KEY, *EVENT_FIELDS, *MORE_EVENT_FIELDS})


def unfolded(sections: Any, project: Any) -> list[tuple[Any, dict[str, Any]]]:
    """The sections, with that of RevenueCat open where there are buttons in it."""
    if not project.revenuecat_api_key:
        return list(sections)
    return [
        (title, {**options, "classes": ()} if API_KEY in options["fields"] else options) for title, options in sections
    ]


def without(sections: Any, hidden: set[str]) -> list[tuple[Any, dict[str, Any]]]:
    """The sections without these fields, and without those that have none left."""
    return [
        (title, {**options, "fields": shown})
        for title, options in sections
        if (shown := [line for line in options["fields"] if line not in hidden])
    ]


def hidden_fields(project: Any, *, may_change: bool, is_superuser: bool) -> set[str]:
    """What somebody does not see: empty secret fields who may only look, members who does not give roles."""
    hidden = set() if project.signing_secret else {CLEAR_SIGNING}
    hidden |= set() if project.revenuecat_api_key else {CLEAR_API_KEY}
    hidden |= set() if may_change else _FOR_OPERATORS
    # Who sees what is decided by those who also make users and give them roles.
    return hidden if is_superuser else hidden | {"members"}
