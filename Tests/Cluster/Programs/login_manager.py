"""A login manager for tests, with the bus that it speaks on: what systemd-logind is for a machine that goes down.

    login_manager.py BUS FOLDER

BUS is the socket. There is `FOLDER/held` while somebody asks to be waited for. The machine is about to go down when there
is `FOLDER/down`, and is not any more when that is gone.
"""
import os
import subprocess
import sys
import time

import dbus
import dbus.mainloop.glib
import dbus.service
from gi.repository import GLib

socket, folder = sys.argv[1:3]
manager = "org.freedesktop.login1.Manager"
configuration = """<busconfig>
  <type>session</type>
  <listen>unix:path=%s</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/>
  </policy>
</busconfig>
""" % socket


class Manager(dbus.service.Object):
    def __init__(self, bus):
        super().__init__(bus, "/org/freedesktop/login1")
        self.held, self.is_down = 0, False

    @dbus.service.method("org.freedesktop.DBus.Properties", in_signature="ss", out_signature="v")
    def Get(self, interface, name):
        # More than any test asks for: nobody has to change it.
        return dbus.UInt64(60_000_000)

    @dbus.service.method(manager, in_signature="ssss", out_signature="h")
    def Inhibit(self, what, who, why, mode):
        reading, writing = os.pipe()
        GLib.io_add_watch(reading, GLib.IO_HUP, self.released)
        self.hold(1)
        lock = dbus.types.UnixFd(writing)
        os.close(writing)
        return lock

    @dbus.service.signal(manager, signature="b")
    def PrepareForShutdown(self, is_due): pass

    def released(self, reading, _):
        os.close(reading)
        self.hold(-1)
        return False

    def hold(self, change):
        self.held += change
        path = os.path.join(folder, "held")
        if self.held: open(path, "w").close()
        elif os.path.exists(path): os.remove(path)

    def look(self):
        is_down = os.path.exists(os.path.join(folder, "down"))
        if is_down != self.is_down:
            self.is_down = is_down
            self.PrepareForShutdown(is_down)
        return True


os.makedirs(folder, exist_ok=True)
file = os.path.join(folder, "bus.conf")
with open(file, "w") as text: text.write(configuration)
subprocess.Popen(["dbus-daemon", "--nofork", "--nopidfile", "--config-file=" + file])
while not os.path.exists(socket): time.sleep(0.05)
dbus.mainloop.glib.DBusGMainLoop(set_as_default=True)
bus = dbus.bus.BusConnection("unix:path=" + socket)
name = dbus.service.BusName("org.freedesktop.login1", bus)
one = Manager(bus)
GLib.timeout_add(100, one.look)
GLib.MainLoop().run()
