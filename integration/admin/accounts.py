"""Users and groups of the admin, as Django has them, on unfold's pages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group, User
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from integration.admin.base import BaseAdmin

if TYPE_CHECKING:
    _UserAdmin = DjangoUserAdmin[User]
else:
    _UserAdmin = DjangoUserAdmin


class UserAdmin(_UserAdmin, BaseAdmin[User]):
    """Who may sign in."""

    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm


class GroupAdmin(DjangoGroupAdmin, BaseAdmin[Group]):
    """Permissions that several users share."""
