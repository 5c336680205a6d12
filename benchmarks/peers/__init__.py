"""What is measured against each other: the peers, the workloads, and that their answers agree."""
