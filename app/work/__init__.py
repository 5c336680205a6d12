"""How writes are done: what actions declare, their inputs and transactions, what is kept."""
