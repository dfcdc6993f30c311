"""A model field for secrets: encrypted at rest with the keys of the environment, never shown by accident.

The value is a `Secret`, whose text only `reveal()` gives; printing, logging or rendering it shows `…4f2a`.
A key that is lost makes one value unreadable, with an error that says so; it never breaks a page.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.db import models
from django.utils.translation import gettext as _

SHOWN_CHARACTERS = 4
# A Fernet token begins with its version and the upper half of its time, the same until the year 2106.
CIPHERTEXT_PREFIX = "gAAAAA"
# A hint of a short secret would be most of it.
SHORTEST_HINTED = 12


class SecretUnreadableError(Exception):
    """The stored secret cannot be decrypted with the keys that this server has."""


class Secret:
    """An encrypted text. Falsy when there is none."""

    __slots__ = ("_ciphertext", "_revealed")

    def __init__(self, ciphertext: str) -> None:
        self._ciphertext = ciphertext
        # The text, and the keys that it was read with: a project that is remembered is asked at every webhook.
        self._revealed: tuple[MultiFernet, str] | None = None

    def __reduce__(self) -> tuple[type[Secret], tuple[str]]:
        """Pickled and copied as ciphertext alone."""
        return Secret, (self._ciphertext,)

    @classmethod
    def of(cls, text: str) -> Secret:
        """Encrypt `text` with the newest key; an empty text is no secret."""
        return cls(_fernet().encrypt(text.encode()).decode() if text else "")

    def reveal(self) -> str:
        """The text itself. Raises SecretUnreadableError when none of this server's keys fits."""
        if not self._ciphertext:
            return ""
        fernet = _fernet()
        if self._revealed is not None and self._revealed[0] is fernet:
            return self._revealed[1]
        try:
            text = fernet.decrypt(self._ciphertext.encode()).decode()
        except InvalidToken as error:
            raise SecretUnreadableError(
                _(
                    "A stored secret cannot be read: it was encrypted with a key that ENCRYPTION_KEYS no longer names. "
                    "Add that key again, or enter the secret anew."
                )
            ) from error
        self._revealed = fernet, text
        return text

    def renewed(self) -> Secret:
        """The same text under the newest key; itself where it is that already. Raises SecretUnreadableError."""
        return self if not self._ciphertext or self._is_of_newest_key() else Secret.of(self.reveal())

    def _is_of_newest_key(self) -> bool:
        try:
            Fernet(settings.ENCRYPTION_KEYS[0]).decrypt(self._ciphertext.encode())
        except InvalidToken:
            return False
        return True

    @property
    def ciphertext(self) -> str:
        """What is stored."""
        return self._ciphertext

    @property
    def hint(self) -> str:
        """The last four characters, for recognising it; "unreadable" where the key is lost."""
        try:
            text = self.reveal()
        except SecretUnreadableError:
            return "unreadable"
        if not text:
            return ""
        return f"…{text[-SHOWN_CHARACTERS:]}" if len(text) >= SHORTEST_HINTED else "…"

    @property
    def is_unreadable(self) -> bool:
        """Whether there is a secret that none of this server's keys fits."""
        try:
            self.reveal()
        except SecretUnreadableError:
            return True
        return False

    def __bool__(self) -> bool:
        return bool(self._ciphertext)

    def __str__(self) -> str:
        return self.hint

    def __repr__(self) -> str:
        return f"Secret({self.hint})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self._ciphertext == other._ciphertext

    def __hash__(self) -> int:
        return hash(self._ciphertext)


if TYPE_CHECKING:
    # Only the stubs' TextField takes type arguments.
    _TextField = models.TextField["Secret", "Secret"]
else:
    _TextField = models.TextField


class SecretField(_TextField):
    """Stores a `Secret`; assign `Secret.of(text)`. Cannot be searched, which is the point."""

    def from_db_value(self, value: str | None, *_: object) -> Secret:
        """Wrap what is stored; nothing is decrypted before somebody asks."""
        return Secret(value or "")

    def to_python(self, value: Any) -> Secret:
        """A Secret as it is; anything else would be a plain text about to be stored, which is refused.

        What `dumpdata` wrote comes back as the ciphertext that it is.
        """
        if isinstance(value, Secret):
            return value
        if isinstance(value, str) and value.startswith(CIPHERTEXT_PREFIX):
            return Secret(value)
        if value in (None, ""):
            return Secret("")
        raise TypeError("Assign Secret.of(text): a secret is never stored as it is.")

    def get_prep_value(self, value: Any) -> str:
        """The ciphertext."""
        return self.to_python(value).ciphertext

    def get_default(self) -> Secret:
        """No secret."""
        return Secret("")

    def value_to_string(self, obj: models.Model) -> str:
        """What `dumpdata` writes: the ciphertext, never the text."""
        return self.get_prep_value(self.value_from_object(obj))


def _fernet() -> MultiFernet:
    return _fernet_of(tuple(settings.ENCRYPTION_KEYS))


@lru_cache(maxsize=1)
def _fernet_of(keys: tuple[str, ...]) -> MultiFernet:
    # Made once, because a secret is read for every webhook.
    return MultiFernet([Fernet(key) for key in keys])
