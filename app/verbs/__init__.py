"""The command line's verbs, one file each; each loads what it needs when it is used."""
