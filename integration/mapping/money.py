"""What an event means in money: revenue, refunds, minor units. Exact decimals, never floats. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum

from integration.intercom.messages import AttributeType, AttributeValue
from integration.revenuecat.events import RevenueCatEvent

USD = "USD"
# ISO 4217's minor units where they are not two (https://www.iso.org/iso-4217-currency-codes.html).
_NO_MINOR_UNITS = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"
_THOUSANDTHS = "BHD IQD JOD KWD LYD OMR TND"
_TEN_THOUSANDTHS = "CLF UYW"
_EXPONENTS = {
    **dict.fromkeys(_NO_MINOR_UNITS.split(), 0),
    **dict.fromkeys(_THOUSANDTHS.split(), 3),
    **dict.fromkeys(_TEN_THOUSANDTHS.split(), 4),
}
# The contact's running totals, which no single event can tell, and their types in Intercom.
TOTALS: Mapping[str, str] = {
    "rc_lifetime_revenue_usd": AttributeType.FLOAT,
    "rc_purchases": AttributeType.INTEGER,
    "rc_refunds": AttributeType.INTEGER,
}
# In the others a price says nothing of money that changed hands: it is that of the product, or zero.
_PAID_TYPES = frozenset({"INITIAL_PURCHASE", "RENEWAL", "NON_RENEWING_PURCHASE", "REFUND_REVERSED"})


class MoneyBasis(StrEnum):
    """What is reported as revenue."""

    OFF = "off"
    GROSS = "gross"
    AFTER_COMMISSION = "after_commission"
    PROCEEDS = "proceeds"


class MoneyCurrency(StrEnum):
    """The currency of revenue."""

    PURCHASED = "purchased"
    USD = "usd"


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in a currency (ISO 4217, upper case); negative where it was given back."""

    amount: Decimal
    currency: str

    @property
    def minor_units(self) -> int:
        """The amount in the currency's smallest unit, rounded half up: 9.99 EUR is 999, 1,000 JPY is 1000."""
        return int(self.amount.scaleb(self._exponent).to_integral_value(rounding=ROUND_HALF_UP))

    @property
    def rounded(self) -> Decimal:
        """The amount to the currency's smallest unit."""
        return Decimal(self.minor_units).scaleb(-self._exponent)

    @property
    def _exponent(self) -> int:
        return _EXPONENTS.get(self.currency, 2)

    def __abs__(self) -> Money:
        return Money(abs(self.amount), self.currency)


def money_of(event: RevenueCatEvent, basis: MoneyBasis, currency: MoneyCurrency) -> Money | None:
    """The money that changed hands, on this basis; None where none did, or RevenueCat does not say how much."""
    if basis is MoneyBasis.OFF or not (event.type in _PAID_TYPES or event.is_refund):
        return None
    gross = _gross(event, currency)
    if gross is None or (event.is_refund and not gross.amount):
        # A refund of nothing is one whose amount is not known.
        return None
    share = _share(event, basis)
    if share is None:
        return gross if not gross.amount else None
    return Money(gross.amount * share, gross.currency)


def _gross(event: RevenueCatEvent, currency: MoneyCurrency) -> Money | None:
    amount = event.price if currency is MoneyCurrency.USD else event.price_in_purchased_currency
    code = USD if currency is MoneyCurrency.USD else event.currency
    return None if amount is None or code is None else Money(amount, code)


def _share(event: RevenueCatEvent, basis: MoneyBasis) -> Decimal | None:
    """The part of the price that is left on this basis, or None where RevenueCat does not say."""
    if basis is MoneyBasis.GROSS:
        return Decimal(1)
    if event.commission_percentage is None:
        return None
    if basis is MoneyBasis.AFTER_COMMISSION:
        return 1 - event.commission_percentage
    return None if event.tax_percentage is None else 1 - event.commission_percentage - event.tax_percentage


@dataclass(frozen=True, slots=True)
class Totals:
    """A customer's running totals, or what one event adds to them; `revenue` in US dollars, on the project's basis."""

    revenue: Decimal = Decimal(0)
    purchases: int = 0
    refunds: int = 0

    def __add__(self, other: Totals) -> Totals:
        return Totals(self.revenue + other.revenue, self.purchases + other.purchases, self.refunds + other.refunds)

    def attributes(self) -> dict[str, AttributeValue]:
        """As attributes of the contact."""
        revenue = float(Money(self.revenue, USD).rounded)
        return dict(zip(TOTALS, (revenue, self.purchases, self.refunds), strict=True))


NO_TOTALS = Totals()


def totals_of(event: RevenueCatEvent, basis: MoneyBasis) -> Totals:
    """What `event` adds to the totals; nothing in the sandbox, where no money is paid."""
    paid = event.price is not None and event.price > 0
    if event.is_sandbox or not (event.is_refund or (paid and event.type in _PAID_TYPES)):
        return NO_TOTALS
    money = money_of(event, basis, MoneyCurrency.USD)
    revenue = money.amount if money else Decimal(0)
    if event.type == "REFUND_REVERSED":
        return Totals(revenue, purchases=0, refunds=-1)
    return Totals(revenue, purchases=int(not event.is_refund), refunds=int(event.is_refund))
