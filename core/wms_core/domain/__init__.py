"""What an order is and what may happen to it: standard library only, no input or output."""
