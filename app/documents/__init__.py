"""Documents as customers get them: data in, bytes out, nothing read from anywhere else."""
