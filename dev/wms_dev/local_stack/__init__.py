"""The whole service on this machine: starts and stops Postgres, server, worker and simulator."""
