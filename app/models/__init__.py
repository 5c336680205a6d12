"""Tables, one file per noun."""
