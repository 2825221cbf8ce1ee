"""What a person sees of a room in a terminal: lamp and floor drawn in place, numbers in words."""
