"""Who a request comes from, where a proxy has users: what one has sent, and what was learnt from it, is no other's.

A user of mitmproxy's ``proxyauth`` is a tenant. Each has a service of its own, on the threads and the store of all.
"""

from collections import OrderedDict
from collections.abc import Callable, Mapping

from headroom_mitm.service import Service

REMEMBERED = 250
"""Tenants that are kept in memory. One that comes back after it was let go has all that the store has."""
_USER = "proxyauth"  # where mitmproxy notes in a flow's metadata whom it has let in: name and password


def tenant_of(metadata: Mapping[str, object]) -> str:
    """Return the name of the user whom a flow comes from; empty where the proxy asks for none."""
    match metadata.get(_USER):
        case (str(name), _):
            return name
        case _:
            return ""


class Tenants:
    """The services of all tenants. For the event loop's thread alone."""

    def __init__(self, make: Callable[[Service, str], Service]) -> None:
        """Take what makes a tenant's service on that of all."""
        self._make = make
        self._services: OrderedDict[str, Service] = OrderedDict()

    def of(self, metadata: Mapping[str, object], whole: Service) -> Service:
        """Return the service for a flow, by its metadata; ``whole`` where no user is named."""
        tenant = tenant_of(metadata)
        if not tenant:
            return whole
        service = self._services.pop(tenant, None) or self._make(whole, tenant)
        self._services[tenant] = service
        if len(self._services) > REMEMBERED:
            _, unused = self._services.popitem(last=False)
            unused.close()
        return service

    def close(self) -> None:
        """Finish what is being kept, before the service of all is closed."""
        for service in self._services.values():
            service.close()
        self._services.clear()
