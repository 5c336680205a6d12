"""Files that people attach: what is allowed, how it is recognised, and what is shown of it."""
