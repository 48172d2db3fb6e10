"""Subscriptions: streams of order events and of moves."""
