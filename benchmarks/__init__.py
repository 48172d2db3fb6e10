"""Benchmarks of wms-orders and its competitors; each is a package of its own."""
