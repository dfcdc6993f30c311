"""Whether a session may open pages of the admin: who has a second factor, or must have one, has to have given a code.

The one place that knows what a session remembers of it. Asked once a request, by the site (`site.py`).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum

from axes.handlers.proxy import AxesProxyHandler
from django.conf import settings
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.hashers import check_password
from django.contrib.auth.models import User
from django.contrib.auth.signals import user_login_failed
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _

from integration.models import SecondFactor
from integration.models.second_factor import CodeRefusedError, WrongCodeError

# The second factor that a code was given for. One that is set up anew is another one.
_SESSION_KEY = "second_factor"
_REMEMBERED = "_standing"


class WrongPasswordError(Exception):
    """The password was looked at and is wrong: a try that counts; says so to the one who typed it."""


def signed_in(request: HttpRequest) -> User:
    """The row of whoever is signed in."""
    return User.objects.get(pk=int(request.user.pk or 0))


class Standing(StrEnum):
    """What is between a signed-in person and the pages."""

    NO_OBSTACLE = "no obstacle"
    NEEDS_CODE = "needs code"
    NEEDS_SET_UP = "needs set-up"


def standing(request: HttpRequest) -> Standing:
    """Where somebody stands who is signed in."""
    if not hasattr(request, _REMEMBERED):
        setattr(request, _REMEMBERED, _find_standing(request))
    found: Standing = getattr(request, _REMEMBERED)
    return found


def _find_standing(request: HttpRequest) -> Standing:
    pk = SecondFactor.objects.filter(user=request.user.pk).values_list("pk", flat=True).first()
    if pk is None:
        return Standing.NEEDS_SET_UP if settings.REQUIRE_SECOND_FACTOR else Standing.NO_OBSTACLE
    return Standing.NO_OBSTACLE if request.session.get(_SESSION_KEY) == pk else Standing.NEEDS_CODE


def remember_verified(request: HttpRequest, factor: SecondFactor) -> None:
    """A code of this second factor was given in this session."""
    request.session[_SESSION_KEY] = factor.pk
    forget_standing(request)


def forget_standing(request: HttpRequest) -> None:
    """Something has changed: look again when asked the next time."""
    if hasattr(request, _REMEMBERED):
        delattr(request, _REMEMBERED)


def spend_code(request: HttpRequest, user: User, code: str) -> SecondFactor:
    """Use up a code that somebody typed. Raises CodeRefusedError with what to tell them."""
    with _counted(request, user):
        return SecondFactor.objects.spend(user, code, timezone.now())


def ask_for_password(request: HttpRequest, user: User, password: str) -> None:
    """Make sure that who is signed in still knows the password, and has not only found the browser open.

    Raises WrongPasswordError with what to tell them. A password kept with an older hasher is not hashed anew here: that
    would end the session.
    """
    with _counted(request, user):
        if not check_password(password, user.password):
            raise WrongPasswordError(_("That is not your password."))


@contextmanager
def _counted(request: HttpRequest, user: User) -> Iterator[None]:
    """What is wrong inside counts towards the lock-out, as a wrong password at the sign-in does.

    Where it is locked nothing is looked at (CodeRefusedError), and the middleware of django-axes answers in place of
    the page.
    """
    credentials = {"username": user.get_username()}
    if not AxesProxyHandler.is_allowed(request, credentials):
        request.axes_locked_out = True  # type: ignore[attr-defined]
        raise CodeRefusedError(_("Locked."))
    try:
        yield
    except (WrongCodeError, WrongPasswordError):
        user_login_failed.send(sender=__name__, credentials=credentials, request=request)
        raise


def write_trail(by: User, about: User, message: str) -> None:
    """A line in the history of a user; `message` holds no secret."""
    LogEntry.objects.log_actions(by.pk, User.objects.filter(pk=about.pk), CHANGE, message, single_object=True)
