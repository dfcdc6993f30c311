"""The page on which people switch their own second factor on and off, and take new recovery codes.

While it is being set up the key lies encrypted in the session; it is shown on this page, until a code confirms that the
app has it, and nowhere else. Recovery codes are shown once, in the answer that made them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import segno
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.models import User
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from integration.models import SecondFactor
from integration.models.second_factor import CodeRefusedError, app_address, new_key
from integration.models.secrets import Secret
from integration.sign_in.steps import PasswordAndCodeForm
from integration.sign_in.verified import (
    WrongPasswordError,
    ask_for_password,
    forget_standing,
    remember_verified,
    signed_in,
    spend_code,
    write_trail,
)

ISSUER = "rcintercom"
TITLE = _("Second factor")
_SESSION_KEY = "second_factor_being_set_up"

Context = dict[str, Any]


def second_factor_page(request: HttpRequest, context: Context) -> HttpResponse:
    """What it is like, and what can be done about it; POST does it. `do` names what, `password` and `code` prove who.

    The password comes first: who does not have it neither tries codes nor uses one up.
    """
    user = signed_in(request)
    factor = SecondFactor.objects.filter(user=user).first()
    action = (WHEN_ON if factor else WHEN_OFF).get(request.POST.get("do", ""))
    form = PasswordAndCodeForm(request.POST if action else None)
    if action and form.is_valid():
        try:
            ask_for_password(request, user, form.cleaned_data["password"])
            return action(request, user, form.cleaned_data["code"], context)
        except WrongPasswordError as wrong:
            form.add_error("password", str(wrong))
        except CodeRefusedError as refusal:
            form.add_error("code", str(refusal))
    context = {**context, "title": TITLE, "form": form, "factor": factor, "required": settings.REQUIRE_SECOND_FACTOR}
    if factor is None:
        context |= _to_scan(request, user)
    return TemplateResponse(request, "integration/second_factor.html", context)


def _to_scan(request: HttpRequest, user: User) -> Context:
    key = _key_of(request)
    address = app_address(key, user.get_username(), ISSUER)
    # A picture and not a part of the page: scripts and styles of the page do not reach into it.
    picture = segno.make(address, error="m", micro=False).svg_data_uri(scale=5, dark="#000", light="#fff")
    return {"picture": picture, "key": " ".join(_groups(key.reveal()))}


def _groups(text: str) -> list[str]:
    return [text[start : start + 4] for start in range(0, len(text), 4)]


def _key_of(request: HttpRequest) -> Secret:
    """The key that is being set up in this session; the same until it is confirmed, so that a reload voids nothing."""
    kept = Secret(request.session.get(_SESSION_KEY, ""))
    if not kept or kept.is_unreadable:
        kept = new_key()
        request.session[_SESSION_KEY] = kept.ciphertext
    return kept


def _switch_on(request: HttpRequest, user: User, code: str, context: Context) -> HttpResponse:
    with transaction.atomic():
        codes = SecondFactor.objects.switch_on(user, _key_of(request).renewed(), code, timezone.now())
        write_trail(user, user, "Second factor switched on.")
    request.session.cycle_key()
    del request.session[_SESSION_KEY]
    remember_verified(request, SecondFactor.objects.get(user=user))
    return _show_once(request, codes, {**context, "done": _("The second factor is on.")})


def _new_codes(request: HttpRequest, user: User, code: str, context: Context) -> HttpResponse:
    factor = spend_code(request, user, code)
    with transaction.atomic():
        codes = factor.renew_recovery_codes()
        write_trail(user, user, "New recovery codes were made.")
    return _show_once(request, codes, {**context, "done": _("The recovery codes before these are void.")})


def _switch_off(request: HttpRequest, user: User, code: str, _context: Context) -> HttpResponse:
    factor = spend_code(request, user, code)
    with transaction.atomic():
        factor.delete()
        write_trail(user, user, "Second factor switched off.")
    forget_standing(request)
    messages.success(request, _("The second factor is off."))
    return HttpResponseRedirect(reverse("admin:second_factor"))


def _show_once(request: HttpRequest, codes: list[str], context: Context) -> HttpResponse:
    return TemplateResponse(request, "integration/recovery_codes.html", {**context, "title": TITLE, "codes": codes})


Action = Callable[[HttpRequest, User, str, Context], HttpResponse]
WHEN_OFF: Mapping[str, Action] = {"switch_on": _switch_on}
WHEN_ON: Mapping[str, Action] = {"new_codes": _new_codes, "switch_off": _switch_off}
