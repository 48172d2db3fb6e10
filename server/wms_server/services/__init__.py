"""One module per service of the contract: each method converts messages and calls the application layer."""
