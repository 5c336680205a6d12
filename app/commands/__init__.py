"""What the commands of `app/cli.py` do."""
