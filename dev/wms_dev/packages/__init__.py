"""Builds what others install: `python -m wms_dev.packages`, into `dist/`; one module for each language."""
