"""The limit: one hand-written SQL statement per workload, and as little Python as it takes."""
