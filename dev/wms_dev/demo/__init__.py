"""`make demo`: 415 real orders through the whole service, ending with a reconciliation."""
