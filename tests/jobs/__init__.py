"""Jobs, done by real workers over a real queue, and mails to a real SMTP server."""
