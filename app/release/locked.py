"""Bytes under a key: AES-256-GCM, each time a nonce of its own, bound to a label."""

import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

NONCE_SIZE = 12


def new_key() -> bytes:
    """A key of 32 random bytes."""
    return AESGCM.generate_key(256)


def lock(key: bytes, label: str, text: str) -> bytes:
    """The text as nonce, ciphertext and tag; only the same label opens it."""
    nonce = os.urandom(NONCE_SIZE)
    return nonce + AESGCM(key).encrypt(nonce, text.encode(), label.encode())


def unlock(key: bytes, label: str, locked: bytes) -> str | None:
    """The text, or None if the bytes, the label or the key are not what they were."""
    try:
        return AESGCM(key).decrypt(locked[:NONCE_SIZE], locked[NONCE_SIZE:], label.encode()).decode()
    except (InvalidTag, ValueError):  # ValueError: too short to have a nonce
        return None
