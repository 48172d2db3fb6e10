"""Run the commands of documentation pages: shell, environments and scenarios."""
