"""`make demo`: 415 real orders through the whole service, with a summary that must add up."""
