"""The encrypted model field: AES-256-GCM, sealed to the row and the field they stand in.

A stored value is `version ‖ key id length ‖ key id ‖ nonce (12) ‖ ciphertext and tag`. The additional data
names the model, the field and the row's identity, so a value copied to another row or column does not
open. The key ring comes from the setting `FIELD_KEYS`: the first key seals, every key opens.

Values are opened on first access, never while a row is fetched: a list that does not look at case
text does not decrypt it.
"""

import base64
import binascii
import hmac
import os
from collections.abc import Sequence
from functools import cached_property, lru_cache
from typing import Any

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.core.exceptions import FieldError, ImproperlyConfigured
from django.db import models
from django.db.models.query_utils import DeferredAttribute

VERSION = 1
NONCE_BYTES = 12


class CannotOpen(Exception):
    """A stored value was sealed with a key that is not in the ring, or for another row or field."""


@lru_cache(maxsize=4)
def keys_of(text: str) -> dict[bytes, bytes]:
    """Parse `id:key, …`; the first entry is the one that seals. Raises ImproperlyConfigured."""
    ring: dict[bytes, bytes] = {}
    for entry in filter(None, (part.strip() for part in text.split(","))):
        key_id, _, encoded = entry.partition(":")
        try:
            key = base64.urlsafe_b64decode(encoded)
        except (binascii.Error, ValueError):
            key = b""
        if not key_id or len(key) != 32:
            raise ImproperlyConfigured("FIELD_KEYS must be 'id:key, …' with 32 bytes of URL-safe base64 in each key.")
        ring[key_id.encode()] = key
    if not ring:
        raise ImproperlyConfigured("FIELD_KEYS is empty: nothing could be stored or read.")
    return ring


@lru_cache(maxsize=4)
def key_ring(text: str) -> dict[bytes, AESGCM]:
    """What seals and opens, by key id. Raises ImproperlyConfigured."""
    return {key_id: AESGCM(key) for key_id, key in keys_of(text).items()}


def lookup_digests(value: str, purpose: str) -> list[str]:
    """Keyed hashes of a value that rows are found by, the one to store first; then those of the ring's other keys.

    Each is an HMAC-SHA256 under a key of its own, derived for this purpose, so that it says nothing of what seals.
    """
    return [
        hmac.new(lookup_key(key, purpose), value.encode(), "sha256").hexdigest()
        for key in keys_of(settings.FIELD_KEYS).values()
    ]


@lru_cache(maxsize=16)
def lookup_key(key: bytes, purpose: str) -> bytes:
    return HKDF(SHA256(), 32, salt=None, info=f"lookup: {purpose}".encode()).derive(key)


def seal(plain: bytes, binding: bytes) -> bytes:
    return seal_all([(plain, binding)])[0]


def seal_all(values: Sequence[tuple[bytes, bytes]]) -> list[bytes]:
    """Seal (plain, binding) pairs: for many the key is looked up and the random bytes are asked for once."""
    ring, key_id = key_ring(settings.FIELD_KEYS), sealing_key_id()
    head, encrypt = bytes((VERSION, len(key_id))) + key_id, ring[key_id].encrypt
    chance = os.urandom(NONCE_BYTES * len(values))
    nonces = [chance[start : start + NONCE_BYTES] for start in range(0, len(chance), NONCE_BYTES)]
    return [
        head + nonce + encrypt(nonce, plain, binding) for nonce, (plain, binding) in zip(nonces, values, strict=True)
    ]


def sealing_key_id() -> bytes:
    return next(iter(key_ring(settings.FIELD_KEYS)))


def key_id_of(stored: bytes) -> bytes:
    """The id of the key that a stored value was sealed with."""
    return stored[2 : 2 + stored[1]]


def open_sealed(stored: bytes, binding: bytes) -> bytes:
    """Raises CannotOpen."""
    key_id = key_id_of(stored)
    start = 2 + len(key_id)
    key = key_ring(settings.FIELD_KEYS).get(key_id)
    if stored[0] != VERSION or key is None:
        raise CannotOpen("No key in FIELD_KEYS opens this value.")
    try:
        return key.decrypt(stored[start : start + NONCE_BYTES], stored[start + NONCE_BYTES :], binding)
    except InvalidTag:
        raise CannotOpen("The value was sealed for another row or field, or was changed.") from None


class Sealed:
    """A value as it lies in the database. Its text never shows in a repr, a log or a traceback."""

    __slots__ = ("stored",)

    def __init__(self, stored: bytes) -> None:
        self.stored = stored

    def __repr__(self) -> str:
        return "<sealed>"


class OpeningAttribute(DeferredAttribute):
    """Opens the value the first time somebody looks at it."""

    field: "EncryptedJSONField"

    def __get__(self, instance: models.Model | None, cls: type | None = None) -> Any:
        value = super().__get__(instance, cls)
        if instance is not None and isinstance(value, Sealed):
            value = self.field.opened(value.stored, self.field.binding(instance))
            instance.__dict__[self.field.attname] = value
        return value

    def __set__(self, instance: models.Model, value: Any) -> None:
        # Without it Python would read the sealed value from the instance before it asked us.
        instance.__dict__[self.field.attname] = value


class EncryptedJSONField(models.BinaryField):  # type: ignore[type-arg]
    """What JSON holds, sealed. `bound_to` names the fields that identify the row before it is saved."""

    descriptor_class = OpeningAttribute

    def __init__(self, *args: Any, bound_to: tuple[str, ...] = ("id",), **kwargs: Any) -> None:
        self.bound_to = bound_to
        super().__init__(*args, **kwargs)

    def deconstruct(self) -> tuple[str, str, Any, Any]:
        name, path, args, kwargs = super().deconstruct()
        return name, path, args, {**kwargs, "bound_to": self.bound_to}

    def binding(self, instance: models.Model) -> bytes:
        identity = [getattr(instance, name) for name in self.bound_to]
        if None in identity:
            raise FieldError(f"{self} is bound to {self.bound_to}, which must be set before it is saved.")
        return self.binding_of(*identity)

    def binding_of(self, *identity: object) -> bytes:
        """The additional data for a row of this identity, for code that writes rows without instances."""
        return f"{self.place}:{':'.join(map(str, identity))}".encode()

    @cached_property
    def place(self) -> str:
        return f"{self.model._meta.label_lower}.{self.name}"

    def opened(self, stored: bytes, binding: bytes) -> Any:
        return orjson.loads(open_sealed(stored, binding))

    def sealed(self, value: Any, instance: models.Model) -> Sealed:
        """`value` as it is stored for the row of `instance`, for a conditional `update()`."""
        return Sealed(seal(orjson.dumps(value), self.binding(instance)))

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> Sealed | None:
        return None if value is None else Sealed(bytes(value))

    def pre_save(self, model_instance: models.Model, add: bool) -> Sealed | None:
        value = getattr(model_instance, self.attname)
        return None if value is None else self.sealed(value, model_instance)

    def get_db_prep_value(self, value: Any, connection: Any, prepared: bool = False) -> Any:
        if value is None:
            return None
        if not isinstance(value, Sealed):
            raise FieldError(f"{self} can't be compared or updated in a query: its value depends on the row.")
        return connection.Database.Binary(value.stored)

    def value_to_string(self, obj: models.Model) -> str:
        raise FieldError(f"{self} is not serialised: a dump would carry it in the clear.")
