"""What each part of the installation says of itself."""
