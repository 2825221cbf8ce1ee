"""The clinic's side: broker, inbox, store, trends, pages."""
