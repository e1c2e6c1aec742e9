"""How the installation's parts fare, and the sites: error rates, releases, monitors, quotas."""
