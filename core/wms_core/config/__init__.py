"""Settings from the environment, secrets from files, and the `config` command."""
