"""Who asks: the address of a request's client, as far as it can be trusted."""

from functools import lru_cache
from ipaddress import IPv6Address, ip_address

from django.conf import settings
from django.http import HttpRequest

NETWORK_BITS = 64
"""What an IPv6 customer gets as a rule: whoever has one of its addresses has all of them."""


def client_of(request: HttpRequest) -> str:
    """Return the client's address; of an IPv6 one, its network. "" where nobody tells.

    Each proxy adds the address that it was asked from at the end of X-Forwarded-For; whatever
    stands before what the TRUSTED_PROXIES nearest ones added is the client's own invention.
    """
    told = request.META.get("HTTP_X_FORWARDED_FOR", "") if settings.TRUSTED_PROXIES else ""
    hops = [hop.strip() for hop in told.split(",") if hop.strip()]
    if len(hops) >= settings.TRUSTED_PROXIES > 0:
        return _network(hops[-settings.TRUSTED_PROXIES])
    return _network(request.META.get("REMOTE_ADDR", ""))


@lru_cache(maxsize=1024)
def _network(text: str) -> str:
    try:
        address = ip_address(text)
    except ValueError:
        return ""
    if not isinstance(address, IPv6Address):
        return str(address)
    if address.ipv4_mapped:
        return str(address.ipv4_mapped)
    return f"{IPv6Address(int(address) >> NETWORK_BITS << NETWORK_BITS)}/{NETWORK_BITS}"
