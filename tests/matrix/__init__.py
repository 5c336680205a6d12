"""Who may what: every field and mutation called by everybody, and compared with tables."""
