"""Leader election, fencing epochs and the commands of operators to a replica."""
