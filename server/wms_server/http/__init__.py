"""What the server tells by HTTP."""
