"""Simulated rooms and talk with known truth, for demo, validation, training and tests."""
