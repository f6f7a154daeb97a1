"""Whether a request is paid by an API key or by a subscription, told by the credential that it carries.

Providers may count rewritten subscription traffic as third-party use: it is left alone unless the user says otherwise.
"""

from collections.abc import Mapping

from headroom_mitm.segments import Digest, digest

_SUBSCRIPTION_HOSTS = ("chatgpt.com", "githubcopilot.com", "cloudcode-pa.googleapis.com")
"""Hosts that know no API keys."""
_SUBSCRIPTION_TOKENS = ("sk-ant-oat", "sk-ant-sid", "gho_", "ghu_", "tid=")
"""How OAuth tokens of Claude's and Copilot's logins begin."""

_CREDENTIALS = ("x-api-key", "authorization", "x-goog-api-key", "api-key")


def account(headers: Mapping[str, str]) -> Digest:
    """Return a digest of the credential that a request carries: equal ones belong to one account.

    The reverse does not hold: an account may have several keys, and tokens of a login change by the hour.
    """
    return digest(*(headers.get(name, "").encode("utf-8", "surrogateescape") for name in _CREDENTIALS))


def is_subscription(host: str, headers: Mapping[str, str]) -> bool:
    """Say whether a request belongs to a subscription login. ``headers`` are looked up in lower case."""
    host = host.lower().rstrip(".")
    if any(host == name or host.endswith(f".{name}") for name in _SUBSCRIPTION_HOSTS):
        return True
    scheme, _, token = headers.get("authorization", "").partition(" ")
    return scheme.lower() == "bearer" and token.strip().startswith(_SUBSCRIPTION_TOKENS)
