"""The whole service on this machine: Postgres, server, worker and simulator, from start to stop."""
