"""The shipped model, how it was trained and how it is judged."""
