"""Repositories by subject, which convert rows to domain records."""
