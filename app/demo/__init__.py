"""A tenant that a support agent would believe."""
