"""What a person at the keyboard can mend."""


class Problem(Exception):
    """Something went wrong that is explained in full by its message; no stack trace adds to it."""
