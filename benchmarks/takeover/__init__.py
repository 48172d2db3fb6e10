"""How long a role is without a holder when the active worker is killed, stopped or frozen."""
