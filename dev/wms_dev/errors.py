"""The error that a command shows without a stack trace."""


class UserError(Exception):
    """An error that the user can fix. Its message is the complete explanation."""
