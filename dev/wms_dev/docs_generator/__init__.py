"""Generates the parts of the documentation that follow from the code: `python -m wms_dev.docs_generator`.

With `--check` it changes no file and reports stale documents. It starts an embedded Postgres, because the
list of the schema is read from a migrated database.
"""
