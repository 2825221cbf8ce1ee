"""How well the shipped model hears, on sound it was not trained on."""
