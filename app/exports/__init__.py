"""Exports: copies of everything that is held on a person, and what Art. 15 GDPR adds to them."""
