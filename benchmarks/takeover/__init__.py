"""Time for which a role has no holder after the active worker is killed, stopped or frozen."""
