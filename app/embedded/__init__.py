"""PostgreSQL and S3 from wheels, for machines that have neither."""
