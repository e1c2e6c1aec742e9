"""Which Equerry this is."""

from importlib.metadata import PackageNotFoundError, version


def release() -> str:
    """Return the installed version, or `unknown` where the package is not installed."""
    try:
        return version("equerry")
    except PackageNotFoundError:
        return "unknown"
