"""Drawings for paper: the card that lies in the room, and the wires of the box, from what the code itself goes by."""
