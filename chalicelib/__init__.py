"""The forms-and-workflow backend: domain, services, adapters and web, in that order of dependence."""
