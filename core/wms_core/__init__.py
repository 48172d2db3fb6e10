"""The rules of order fulfillment and their storage; knows no transport."""
