"""What the admin says of a customer: how the subscription stands in plain words, and what Intercom knows of it.

Nothing is read from the database and nothing is decided here.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from integration.admin.display import NOTHING, Cell, ago, clock, moment
from integration.customer_state import BILLING_ERROR_STATUS, STATUS, Fact, changed_attributes
from integration.intercom.messages import AttributeType
from integration.mapping.attributes import ATTRIBUTE, OWN_FIELD, TYPE_OF
from integration.mapping.money import NO_TOTALS
from integration.models import Customer

PRODUCT, EXPIRES = "latest_product", "expires_at"
# After the customer's name. A test knows every status that there is.
STATUS_WORDS: Mapping[str, Any] = {
    "trial": gettext_lazy("is on a free trial"),
    "intro": gettext_lazy("is in an introductory period"),
    "active": gettext_lazy("has an active subscription"),
    "cancelled": gettext_lazy("has cancelled, and keeps access until the period ends"),
    "cancelled_trial": gettext_lazy("has cancelled the free trial, and keeps access until it ends"),
    "grace_period": gettext_lazy("could not be charged, and keeps access for a grace period"),
    "grace_period_trial": gettext_lazy("could not be charged after a free trial, and keeps access for a grace period"),
    "paused": gettext_lazy("has paused the subscription"),
    "expired": gettext_lazy("has no subscription any more"),
    "promotional": gettext_lazy("has access that was granted"),
    "expired_promotional": gettext_lazy("had access that was granted, and has it no more"),
}


def standing_sentence(customer: Customer, product: str, now: datetime) -> str:
    """How the subscription stands; `product` is that of the newest event that names one."""
    known = customer.known_state().attributes()
    status = str(known.get(STATUS) or "")
    if not status:
        return _("%(customer)s: no event has said yet how the subscription stands.") % {"customer": customer}
    words = STATUS_WORDS.get(status, _("has the status “%(status)s”") % {"status": status})
    said = [f"{customer} {words}."]
    named = str(known.get(PRODUCT) or product)
    if named:
        said.append(_("Product: %(product)s.") % {"product": named})
    said.append(_end(known, now))
    return " ".join(one for one in said if one)


def _end(known: Mapping[str, Any], now: datetime) -> str:
    if EXPIRES not in known:
        return ""
    at = known[EXPIRES]
    if at is None:
        return _("It has no end.")
    if isinstance(at, bool) or not isinstance(at, int):
        return ""
    end = datetime.fromtimestamp(at, UTC)
    when = {"time": clock(end), "ago": ago(end, now)}
    return (_("It ended at %(time)s (%(ago)s).") if end <= now else _("It ends at %(time)s (%(ago)s).")) % when


def told_sentence(customer: Customer, now: datetime) -> str:
    """When Intercom was last told something, and whether that is all there is."""
    if customer.told_at is None:
        return _("Intercom has not been told anything yet.")
    told = _("Intercom was last told at %(time)s (%(ago)s).") % {
        "time": clock(customer.told_at),
        "ago": ago(customer.told_at, now),
    }
    missing = len(changed_attributes(_wanted(customer), customer.told))
    if not missing:
        return f"{told} {_('It holds all that is known.')}"
    later = ngettext(
        "%(count)s attribute follows with the next event.", "%(count)s attributes follow with the next event.", missing
    )
    return f"{told} {later % {'count': missing}}"


def _wanted(customer: Customer) -> Mapping[str, Any]:
    """The attributes that the contact should have by the settings of today; event types do not matter for them."""
    return customer.project.policy_with({}).attributes(customer.known_state(), customer.totals)


def state_table(customer: Customer) -> dict[str, Any]:
    """What is known of a customer: the attributes that the contact should have, and since when."""
    state = customer.known_state()
    rows: list[list[Cell]] = [
        [_attribute(name), _value(name, value), _as_of(state.facts.get(name) or state.facts.get(BILLING_ERROR_STATUS))]
        for name, value in sorted(state.attributes().items())
    ]
    return {"headers": [_("Attribute"), _("Value"), _("As of")], "rows": rows}


def told_table(customer: Customer) -> dict[str, Any]:
    """What Intercom was last told, under the names that it knows, and what is still to be told."""
    wanted, prefix = _wanted(customer), customer.project.attribute_prefix
    changed = changed_attributes(wanted, customer.told)
    names = sorted({*wanted, *(name for name in customer.told if not name.startswith(OWN_FIELD))})
    rows: list[list[Cell]] = [
        [
            name,
            _value(name.removeprefix(prefix), customer.told[name]) if name in customer.told else NOTHING,
            _value(name.removeprefix(prefix), changed[name]) if name in changed else NOTHING,
        ]
        for name in names
    ]
    return {"headers": [_("Attribute in Intercom"), _("Last told"), _("Still to be told")], "rows": rows}


def _attribute(name: str) -> str:
    if name.startswith(ATTRIBUTE):
        return _("%(name)s (subscriber attribute)") % {"name": name.removeprefix(ATTRIBUTE)}
    if name.startswith(OWN_FIELD):
        return _("%(name)s (field of Intercom's own)") % {"name": name.removeprefix(OWN_FIELD)}
    return name


def _value(name: str, value: Any) -> str:
    if value is None:
        return _("none (cleared)")
    if TYPE_OF.get(name) == AttributeType.DATE and isinstance(value, int):
        return clock(datetime.fromtimestamp(value, UTC))
    return str(value)


def _as_of(fact: Fact | None) -> Cell:
    return at_ms(fact.at_ms) if fact else NOTHING


def subscription_status(customer: Customer) -> str:
    """The status that the contact should have, as far as it is known."""
    return str(customer.known_state().attributes().get(STATUS) or NOTHING)


def totals_text(customer: Customer) -> str:
    """The running totals, where the project keeps them, or did."""
    totals = customer.totals
    if totals == NO_TOTALS:
        return NOTHING
    paid = ngettext("%(count)s purchase", "%(count)s purchases", totals.purchases) % {"count": totals.purchases}
    back = ngettext("%(count)s refund", "%(count)s refunds", totals.refunds) % {"count": totals.refunds}
    return f"{totals.attributes()['rc_lifetime_revenue_usd']:,.2f} USD, {paid}, {back}"


def at_ms(milliseconds: int, now: datetime | None = None) -> Cell:
    """A time in unix milliseconds; 0 is none."""
    return moment(time_of(milliseconds), now=now)


def time_of(milliseconds: int) -> datetime | None:
    """The same as a time; None where it is none."""
    return datetime.fromtimestamp(milliseconds / 1000, UTC) if milliseconds else None
