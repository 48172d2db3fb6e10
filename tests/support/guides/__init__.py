"""The pages of the documentation, and the terminal, the places and the situations to follow them in."""
