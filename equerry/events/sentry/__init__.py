"""What Sentry's SDKs send, as the reports that Equerry keeps. Pure."""
