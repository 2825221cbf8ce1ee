"""Simulated therapy sessions with known truth: how far the numbers of this machine, model and array are off."""
