"""Stock: warehouses, load carriers, moves, allocation and waves."""
