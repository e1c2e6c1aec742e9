"""What tests and fixtures both name."""

WEB_KEY = "0123456789abcdef0123456789abcdef"
