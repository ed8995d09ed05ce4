"""Who calls, and whether their policies let them."""
