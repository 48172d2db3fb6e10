"""One module per service of the contract: from message to application call and back, nothing else."""
