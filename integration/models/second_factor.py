"""A user's second factor: codes of an authenticator app (TOTP, RFC 6238), and recovery codes for when it is lost.

A row is there exactly while the second factor is on. The key is encrypted, recovery codes are kept as hashes, and each
code is good once. Who has to have one, and for which session a code was given, is not known here.
"""

from __future__ import annotations

import hashlib
import secrets
from base64 import b32decode, b32encode
from collections.abc import Iterator
from datetime import datetime, timedelta

from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor import InvalidToken
from cryptography.hazmat.primitives.twofactor.totp import TOTP
from django.contrib.auth.models import User
from django.db import models, transaction
from django.utils.translation import gettext as _

from integration.models.secrets import Secret, SecretField, SecretUnreadableError

KEY_BYTES = 20
DIGITS = 6
STEP_SECONDS = 30
# Clocks of telephones go wrong by less than this, and people take a while to type.
STEPS_EITHER_WAY = 1
RECOVERY_CODES = 10
# 80 bits: nobody finds one by guessing, or from its hash, so that neither needs to be made slow.
RECOVERY_BYTES = 10
LONGEST_WAIT = timedelta(days=1)


class CodeRefusedError(Exception):
    """The code was not looked at; says why, for the one who typed it."""


class WrongCodeError(CodeRefusedError):
    """The code was looked at and is wrong: a try that counts."""


class SecondFactorQuerySet(models.QuerySet["SecondFactor"]):
    """What can be asked of all second factors."""

    def switch_on(self, user: User, key: Secret, code: str, now: datetime) -> list[str]:
        """Switch it on for `user`, who shows with a code that their app has the key; the recovery codes, in plain text.

        Raises WrongCodeError where the code is not of this key, CodeRefusedError where one is on already.
        """
        step = next(_matching_steps(key.reveal(), _typed(code), now), None)
        if step is None:
            raise WrongCodeError(_("That is not the code. Is the clock of your telephone right?"))
        codes, hashes = _new_recovery_codes()
        values = {"key": key, "last_step": step, "recovery_hashes": hashes, "created_at": now}
        _row, made = self.get_or_create(user=user, defaults=values)
        if not made:
            raise CodeRefusedError(_("The second factor is on already."))
        return codes

    def spend(self, user: User, code: str, now: datetime) -> SecondFactor:
        """Take a code of the user's app, or one of their recovery codes; it is good for nothing afterwards.

        Raises WrongCodeError, or CodeRefusedError where it is too soon after wrong ones, or the key cannot be read.
        """
        with transaction.atomic():
            factor = self.select_for_update().filter(user=user).first()
            # Raised below: the count of wrong codes must be kept.
            refusal = factor.take(code, now) if factor else CodeRefusedError(_("The second factor is off."))
        if factor is None or refusal:
            raise refusal or AssertionError
        return factor


class SecondFactor(models.Model):
    """The second factor of one user."""

    user = models.OneToOneField(User, on_delete=models.CASCADE, related_name="second_factor")
    key = SecretField("key of the second factor", editable=False)
    # The time step of the last code that was taken: neither it nor an older one is taken again.
    last_step = models.BigIntegerField(editable=False)
    recovery_hashes = models.JSONField(default=list, editable=False)
    wrong_codes = models.PositiveIntegerField(default=0, editable=False)
    wrong_at = models.DateTimeField(null=True, editable=False)
    created_at = models.DateTimeField(editable=False)

    objects = SecondFactorQuerySet.as_manager()

    class Meta:
        # Nobody is given a right to these rows: they have no page.
        default_permissions = ()

    def __str__(self) -> str:
        return f"Second factor {self.pk}"

    @property
    def recovery_codes_left(self) -> int:
        """How many recovery codes have not been used."""
        return len(self.recovery_hashes)

    def take(self, code: str, now: datetime) -> CodeRefusedError | None:
        """Use a code up, or say what is wrong with it; the row must be locked."""
        typed = _typed(code)
        if not _is_of_app(typed):
            return self._take_recovery_code(typed)
        # Recovery codes need not wait: so whoever has the password cannot keep the owner out by typing wrong codes.
        wait = self._wait(now)
        if wait > timedelta():
            return CodeRefusedError(
                _("Too many wrong codes. Wait %(wait)s, or use a recovery code.") % {"wait": _in_words(wait)}
            )
        try:
            steps = [step for step in _matching_steps(self.key.reveal(), typed, now) if step > self.last_step]
        except SecretUnreadableError:
            return CodeRefusedError(
                _("This server cannot check codes: a key is missing from ENCRYPTION_KEYS. Use a recovery code.")
            )
        if not steps:
            self.wrong_codes, self.wrong_at = self.wrong_codes + 1, now
            self.save(update_fields=["wrong_codes", "wrong_at"])
            return WrongCodeError(_("That code is wrong, or has been used already."))
        self.last_step, self.wrong_codes, self.wrong_at = steps[0], 0, None
        self.save(update_fields=["last_step", "wrong_codes", "wrong_at"])
        return None

    def renew_recovery_codes(self) -> list[str]:
        """New recovery codes, in plain text; those before are void."""
        codes, self.recovery_hashes = _new_recovery_codes()
        self.save(update_fields=["recovery_hashes"])
        return codes

    def _take_recovery_code(self, typed: str) -> CodeRefusedError | None:
        used = _hash(typed)
        if used not in self.recovery_hashes:
            return WrongCodeError(_("That code is wrong, or has been used already."))
        self.recovery_hashes = [one for one in self.recovery_hashes if one != used]
        self.wrong_codes, self.wrong_at = 0, None
        self.save(update_fields=["recovery_hashes", "wrong_codes", "wrong_at"])
        return None

    def _wait(self, now: datetime) -> timedelta:
        """How long no code is looked at: 1, 2, 4, … seconds after each wrong one, a day at most."""
        if self.wrong_at is None:
            return timedelta()
        longest = int(LONGEST_WAIT.total_seconds())
        pause = min(2 ** min(self.wrong_codes - 1, longest.bit_length()), longest)
        return self.wrong_at + timedelta(seconds=pause) - now


def new_key() -> Secret:
    """A key for an authenticator app."""
    return Secret.of(b32encode(secrets.token_bytes(KEY_BYTES)).decode())


def app_address(key: Secret, name: str, issuer: str) -> str:
    """What the QR code holds: the key, and under which names the app lists it. Secret."""
    return _totp(key.reveal()).get_provisioning_uri(name, issuer)


def code_at(key: Secret, moment: datetime) -> str:
    """The code that the app shows at a moment."""
    return _totp(key.reveal()).generate(moment.timestamp()).decode()


def _totp(key: str) -> TOTP:
    # SHA-1 is what every authenticator app can; its weakness is collisions, and HMAC does not suffer from them.
    return TOTP(b32decode(key), DIGITS, SHA1(), STEP_SECONDS)  # noqa: S303


def _matching_steps(key: str, typed: str, now: datetime) -> Iterator[int]:
    """The time steps around `now` whose code is the typed one."""
    totp, current = _totp(key), int(now.timestamp()) // STEP_SECONDS
    for step in range(current - STEPS_EITHER_WAY, current + STEPS_EITHER_WAY + 1):
        try:
            totp.verify(typed.encode(), step * STEP_SECONDS)
        except InvalidToken:
            continue
        yield step


def _typed(code: str) -> str:
    """Without what people put between the groups, and in one case."""
    return "".join(code.replace("-", "").split()).lower()


def _is_of_app(typed: str) -> bool:
    return len(typed) == DIGITS and typed.isascii() and typed.isdecimal()


def _new_recovery_codes() -> tuple[list[str], list[str]]:
    """The codes in groups of four letters, and their hashes."""
    texts = [b32encode(secrets.token_bytes(RECOVERY_BYTES)).decode().lower() for _ in range(RECOVERY_CODES)]
    codes = ["-".join(text[start : start + 4] for start in range(0, len(text), 4)) for text in texts]
    return codes, [_hash(text) for text in texts]


def _hash(typed: str) -> str:
    return hashlib.sha256(typed.encode()).hexdigest()


def _in_words(wait: timedelta) -> str:
    seconds = int(wait.total_seconds()) + 1
    return f"{seconds} s" if seconds < 120 else f"{seconds // 60} min"
