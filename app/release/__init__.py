"""Many sessions to one noised release: the ledger, the noise, the sealing."""
