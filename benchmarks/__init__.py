"""What reads cost, measured over HTTP against a real server, and how that grows."""
