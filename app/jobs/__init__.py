"""Jobs: what is done after the transaction that decided on it, and what is done at its time."""
