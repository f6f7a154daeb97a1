"""What ``headroom-mitm proxy`` hands to mitmproxy's ``-s``."""

from headroom_mitm.plugin import Headroom

addons = [Headroom()]
