"""Other people's suites, run against our endpoint."""
