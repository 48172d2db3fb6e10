"""Northwind's orders, and a warehouse layout for its products."""
