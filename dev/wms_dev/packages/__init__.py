"""Builds the packages into `dist/`: `python -m wms_dev.packages`; a module for each language."""
