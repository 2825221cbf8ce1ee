"""From a folder of sound to the shipped model and its card."""
