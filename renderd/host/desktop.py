"""Messages to the person at this machine, where their session shows any."""

import os
from collections.abc import Mapping

from renderd.host.dbus import Bus, Target

_NOTIFICATIONS = Target(
    "org.freedesktop.Notifications",
    "/org/freedesktop/Notifications",
    "org.freedesktop.Notifications",
)


def tell(title: str, body: str, environ: Mapping[str, str] = os.environ) -> None:
    """Show a message in the session; raises OSError where nobody shows it."""
    bus = Bus.session(environ)
    try:
        icon = "org.neogeo.renderd.render"
        signature = "susssasa{sv}i"
        bus.call(_NOTIFICATIONS, "Notify", signature, "renderd", 0, icon, title, body, [], {}, -1)
    finally:
        bus.close()
