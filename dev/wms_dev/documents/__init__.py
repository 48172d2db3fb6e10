"""The parts of the documents that follow from the code: `python -m wms_dev.documents` writes them.

With `--check` it changes nothing and tells whether a document is stale. It starts a Postgres of its own: the
list of the schema is read from a database to which the migrations have just been applied.
"""
