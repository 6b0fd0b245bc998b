"""The operator: it watches, compiles, plans and applies. The only place that writes to an API server."""
