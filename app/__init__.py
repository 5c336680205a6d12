"""Abokonto: the customer account of a subscription business, as a GraphQL API."""
