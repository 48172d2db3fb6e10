"""The processes of a server: supervisor, heartbeats, restarts, heap and housekeeping."""
