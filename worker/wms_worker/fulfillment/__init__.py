"""The fulfillment role: a ticker that runs the cycle while this replica is the leader."""
