"""Sound to who is speaking: features, the model, seats."""
