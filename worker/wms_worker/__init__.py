"""The fulfillment worker: several replicas, of which one acts."""
