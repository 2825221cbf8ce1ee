"""From sound to insight, in the order the signal takes."""
