"""What can go wrong in the hub, each message one sentence that says what to do.

HubError
├── BrokerError   the embedded broker does not start or does not answer
└── StoreError    the database cannot be opened or written
"""


class HubError(Exception):
    """The hub cannot do what was asked; the message says why and what to do."""


class BrokerError(HubError):
    """The embedded broker does not start or does not answer."""


class StoreError(HubError):
    """The database cannot be opened or written."""
