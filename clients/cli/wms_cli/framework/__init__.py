"""Options, connection, output, errors and exit codes, common to all commands."""
