"""Signing in: the password, and after it, for those who have a second factor, a code.

Between the two nobody is signed in. The session only remembers, for five minutes, whose password was right.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib.auth import login
from django.contrib.auth.models import User
from django.contrib.auth.views import LoginView
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminPasswordWidget, UnfoldAdminTextInputWidget

from integration.models import SecondFactor
from integration.models.second_factor import CodeRefusedError
from integration.sign_in.verified import remember_verified, spend_code

if TYPE_CHECKING:
    from django.contrib.auth.forms import AuthenticationForm

SECONDS_FOR_THE_CODE = 5 * 60
_SESSION_KEY = "password_was_right"


class CodeForm(forms.Form):
    """A code of the app, or a recovery code."""

    code = forms.CharField(
        max_length=64,
        label=_("Code"),
        widget=UnfoldAdminTextInputWidget(
            attrs={"autocomplete": "one-time-code", "autocapitalize": "off", "spellcheck": "false", "autofocus": ""}
        ),
    )


class PasswordAndCodeForm(CodeForm):
    """What it takes to change one's second factor. The pages it stands on are read before anything is typed."""

    password = forms.CharField(
        label=_("Your password"),
        strip=False,
        widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "current-password"}),
    )
    field_order = ("password", "code")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        del self.fields["code"].widget.attrs["autofocus"]


@dataclass(frozen=True, slots=True)
class HalfSignedIn:
    """Somebody whose password was right, and who has not yet given a code."""

    user_id: int
    backend: str
    # Changes with the password: who changes it ends this too.
    password_hash: str
    until: float
    to: str

    @classmethod
    def of(cls, request: HttpRequest) -> tuple[HalfSignedIn, User] | None:
        """Who it is in this session; None where nobody is, or no longer."""
        kept = request.session.get(_SESSION_KEY)
        if not kept or kept["until"] < timezone.now().timestamp():
            return None
        half = cls(**kept)
        user = User.objects.filter(pk=half.user_id, is_active=True).first()
        if user is None or not constant_time_compare(user.get_session_auth_hash(), half.password_hash):
            return None
        return half, user

    def keep(self, request: HttpRequest) -> None:
        """In a session with another id than before: whoever planted the old one does not know it."""
        request.session.cycle_key()
        request.session[_SESSION_KEY] = asdict(self)


class SignIn(LoginView):
    """The page for the password."""

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        """Sign in, or go on to the code."""
        user: Any = form.get_user()
        if not SecondFactor.objects.filter(user=user).exists():
            return super().form_valid(form)
        half = HalfSignedIn(
            user_id=user.pk,
            backend=user.backend,
            password_hash=user.get_session_auth_hash(),
            until=timezone.now().timestamp() + SECONDS_FOR_THE_CODE,
            to=self.get_success_url(),
        )
        half.keep(self.request)
        return HttpResponseRedirect(reverse("admin:sign_in_code"))


def ask_for_code(request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
    """The page for the code; back to the password where there was none, or too long ago."""
    found = HalfSignedIn.of(request)
    if found is None:
        request.session.pop(_SESSION_KEY, None)
        return HttpResponseRedirect(reverse("admin:login"))
    half, user = found
    form = CodeForm(request.POST or None)
    if form.is_valid():
        try:
            factor = spend_code(request, user, form.cleaned_data["code"])
        except CodeRefusedError as refusal:
            form.add_error("code", str(refusal))
        else:
            del request.session[_SESSION_KEY]
            login(request, user, backend=half.backend)
            remember_verified(request, factor)
            return HttpResponseRedirect(half.to)
    return TemplateResponse(
        request, "integration/sign_in_code.html", {**context, "title": _("Enter a code"), "form": form}
    )
