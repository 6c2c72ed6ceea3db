"""A desktop's idle monitor on a bus, made with Qt's D-Bus and not with ours.

desktop.py gnome|kde    says its milliseconds as read from stdin, a line each; prints "ready"
"""

import sys

from PyQt6.QtCore import QCoreApplication, QObject, QSocketNotifier, pyqtClassInfo, pyqtSlot
from PyQt6.QtDBus import QDBusConnection

said = [0]  # milliseconds


@pyqtClassInfo("D-Bus Interface", "org.gnome.Mutter.IdleMonitor")
class Gnome(QObject):
    service, path = "org.gnome.Mutter.IdleMonitor", "/org/gnome/Mutter/IdleMonitor/Core"

    @pyqtSlot(result="qulonglong")
    def GetIdletime(self):
        return said[0]


@pyqtClassInfo("D-Bus Interface", "org.freedesktop.ScreenSaver")
class Kde(QObject):
    service, path = "org.kde.screensaver", "/ScreenSaver"

    @pyqtSlot(result="uint")
    def GetSessionIdleTime(self):
        return said[0]


@pyqtClassInfo("D-Bus Interface", "org.freedesktop.Notifications")
class Notifications(QObject):
    service, path = "org.freedesktop.Notifications", "/org/freedesktop/Notifications"

    @pyqtSlot(str, "uint", str, str, str, "QStringList", "QVariantMap", int, result="uint")
    def Notify(self, app, _replaces, _icon, title, body, _actions, _hints, _timeout):
        print(f"{app}: {title}: {body}", flush=True)
        return 7


app = QCoreApplication(sys.argv)
bus = QDBusConnection.sessionBus()
made = {"gnome": Gnome, "kde": Kde, "notifications": Notifications}[sys.argv[1]]()
assert bus.registerObject(made.path, made, QDBusConnection.RegisterOption.ExportAllSlots), (
    bus.lastError().message()
)
assert bus.registerService(made.service), bus.lastError().message()


def heard():
    line = sys.stdin.readline()
    if not line:
        app.quit()
    else:
        said[0] = int(line)
        print("heard", flush=True)


notifier = QSocketNotifier(0, QSocketNotifier.Type.Read)
notifier.activated.connect(heard)
print("ready", flush=True)
app.exec()
