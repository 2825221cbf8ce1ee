"""How this unit tells its hub from others: by the clinic's authority, by name, and by dates as far as it knows them.

A unit has no clock of its own to rely on, so the dates of the hub's certificate are held against the last time that the
hub has told, which can only be too early: a certificate that had ended by then has ended.
"""

import ssl
from pathlib import Path

NO_DATES = 0x200000
"""X509_V_FLAG_NO_CHECK_TIME of OpenSSL, which the ssl module does not name."""


def trust(ca: str, unit: Path | None, key: Path | None = None) -> ssl.SSLContext:
    """TLS 1.2 or later; theirs must be of this authority (PEM) and have the right name. Raises OSError, ValueError.

    `unit` and `key` are what this unit shows; the key may be in the same file.
    """
    context = ssl.create_default_context(cadata=ca)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.verify_flags = ssl.VerifyFlags(context.verify_flags | NO_DATES)
    if unit is not None:
        context.load_cert_chain(unit, key)
    return context


def distrust() -> ssl.SSLContext:
    """TLS with whoever answers: only to be told a certificate whose fingerprint is known."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def has_ended(line: object, known: int | None) -> bool:
    """Whether their certificate had ended at a time that is known to be past, seconds since 1970 UTC; None: none is."""
    shown = line.getpeercert() if isinstance(line, ssl.SSLSocket) else None
    return bool(known is not None and shown and ssl.cert_time_to_seconds(str(shown["notAfter"])) < known)
