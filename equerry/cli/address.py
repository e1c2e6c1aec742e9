"""Addresses as another program on this machine reaches them."""

from equerry.settings import Project

# What a server binds to for "every interface", and where to find it from here.
_EVERY_INTERFACE = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}  # noqa: S104


def reachable(host: str) -> str:
    """Return the host to connect to for a server that is bound to `host`."""
    return _EVERY_INTERFACE.get(host, host)


def base_url(host: str, port: int) -> str:
    """Return `http://host:port`, with an IPv6 address in brackets."""
    name = reachable(host)
    return f"http://{f'[{name}]' if ':' in name else name}:{port}"


def dsn_of(project: Project, url: str) -> str:
    """Return the DSN of a project whose reports go to `url`."""
    scheme, _, place = url.partition("://")
    return f"{scheme}://{project.key}@{place}/{project.id}"
