"""What can go wrong in the hub, each message one sentence that says what to do.

HubError
├── AccountError     what was asked about a person cannot be done
├── AuthorityError   the clinic's certificate authority cannot be used
├── BackupError      a copy of the database cannot be made or put back
├── BrokerError      the embedded broker does not start or does not answer
├── CertificateError the certificate for the page cannot be shown
├── DeclarationError what was declared of the clinic cannot be
├── MailError        a mail could not be handed to the mail server
├── OrderError       what was asked of a unit cannot be sent to it
├── RefusedError     a unit that wants to join or to renew may not
├── RegistryError    what was asked about a room cannot be done
├── RequestError     a room's signing request is none
├── StoreError       the database cannot be opened or written
└── TokenError       what was asked about a token cannot be done
"""


class HubError(Exception):
    """The hub cannot do what was asked; the message says why and what to do."""


class AccountError(HubError):
    """What was asked about a person cannot be done; `key` names the sentence in the pages' words."""

    def __init__(self, sentence: str, key: str = "account_refused") -> None:
        super().__init__(sentence)
        self.key = key


class AuthorityError(HubError):
    """The clinic's certificate authority cannot be used."""


class BackupError(HubError):
    """A copy of the database cannot be made or put back."""


class BrokerError(HubError):
    """The embedded broker does not start or does not answer."""


class CertificateError(HubError):
    """The certificate for the page cannot be shown."""


class DeclarationError(HubError):
    """What was declared of the clinic cannot be; `key` names the sentence in the pages' words."""

    def __init__(self, sentence: str, key: str) -> None:
        super().__init__(sentence)
        self.key = key


class MailError(HubError):
    """A mail could not be handed to the mail server."""


class OrderError(HubError):
    """What was asked of a unit cannot be sent to it; `key` names the sentence in the pages' words."""

    def __init__(self, sentence: str, key: str) -> None:
        super().__init__(sentence)
        self.key = key


class RefusedError(HubError):
    """A unit that wants to join or to renew may not; why is for the hub's log, the unit is not told."""


class RegistryError(HubError):
    """What was asked about a room cannot be done; `key` names the sentence in the pages' words, `about` its object."""

    def __init__(self, sentence: str, key: str, about: str = "") -> None:
        super().__init__(sentence)
        self.key, self.about = key, about


class RequestError(HubError):
    """A room's signing request is none."""


class StoreError(HubError):
    """The database cannot be opened or written."""


class TokenError(HubError):
    """What was asked about a token cannot be done; `key` names the sentence in the pages' words."""

    def __init__(self, sentence: str, key: str) -> None:
        super().__init__(sentence)
        self.key = key
