# SPDX-License-Identifier: ISC
"""
A bank whose directory is on a disk of its own, with a plug that can be
pulled: ext4 on a loop device, and EXT4_IOC_SHUTDOWN, after which nothing more
reaches the device.  What was not synced is gone when it is mounted again.

    reason = no_disk()          # why not here; "" when it can be done
    bank = PluggedBank.found()
    bank.start()
    bank.cut()                  # nobody runs, and the disk is as it was then
    bank.start()

Needs root.  no_disk() moves this process to a mount namespace of its own, so
that no end of the test, however sudden, leaves a mount, and no other process
keeps one; the device is freed with the descriptor that this process keeps.
"""
import ctypes
import fcntl
import os
import shutil
import struct
import subprocess
import tempfile
from pathlib import Path

from lib.bank import Bank, alive
from lib.scenario import at_end, check, wait_until

CLONE_NEWNS = 0x20000
EXT4_IOC_SHUTDOWN = 0x8004587D  # _IOR('X', 125, __u32)
# The file system's journal is written, but no data before it: meaner than a
# power cut, as file systems without ordered data are.  Or nothing is.
LOG_FLUSH, NO_LOG_FLUSH = 1, 2
SIZE = 256 << 20                # a sparse file
TOOLS = ("mkfs.ext4", "losetup", "mount", "umount")
_moved = False


def tool(*words):
    done = subprocess.run([str(word) for word in words], capture_output=True,
                          text=True, check=False)
    check(done.returncode == 0, f"{' '.join(map(str, words))}:"
          f" {done.stderr.strip()}")
    return done.stdout.strip()


class Disk:
    """An ext4 of its own at `place`."""

    def __init__(self, directory):
        self.place = directory / "disk"
        self.place.mkdir()
        image = directory / "disk.image"
        with open(image, "wb") as file:
            file.truncate(SIZE)
        tool("mkfs.ext4", "-q", "-F", "-E", "nodiscard", image)
        self.device = tool("losetup", "--find", "--show", image)
        # Detached when nobody has it open: this process, or the mount.
        self.handle = os.open(self.device, os.O_RDONLY | os.O_CLOEXEC)
        tool("losetup", "--detach", self.device)
        at_end(self.close)
        self.mount()
        self.place.chmod(0o755)

    def mount(self):
        tool("mount", "-t", "ext4", self.device, self.place)

    def shut_down(self, how):
        handle = os.open(self.place, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.ioctl(handle, EXT4_IOC_SHUTDOWN, struct.pack("I", how))
        finally:
            os.close(handle)

    def is_free(self):
        """No file system uses the device any more, in no namespace."""
        try:
            os.close(os.open(self.device, os.O_RDONLY | os.O_EXCL))
            return True
        except OSError:
            return False

    def unmount(self):
        wait_until(lambda: subprocess.run(
            ["umount", self.place], capture_output=True,
            check=False).returncode == 0, "unmounting")
        wait_until(self.is_free, "the end of the file system")

    def close(self):
        if self.handle >= 0:
            subprocess.run(["umount", self.place], capture_output=True,
                           check=False)
            os.close(self.handle)
            self.handle = -1


def own_mounts():
    """Moves this process to a mount namespace of its own, so that nobody else
    keeps what it unmounts; "", or why it cannot."""
    global _moved
    if os.geteuid() != 0:
        return "only root can mount a disk"
    if not _moved:
        if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNS) != 0:
            return f"no mount namespace: {os.strerror(ctypes.get_errno())}"
        tool("mount", "--make-rprivate", "/")
        _moved = True
    return ""


def no_disk():
    missing = [name for name in TOOLS if shutil.which(name) is None]
    reason = own_mounts()
    if not reason and missing:
        reason = f"there is no {missing[0]}"
    if reason:
        return reason
    with tempfile.TemporaryDirectory() as directory:
        try:
            disk = Disk(Path(directory))
            disk.shut_down(NO_LOG_FLUSH)
            disk.unmount()
            disk.close()
        except (AssertionError, OSError) as error:
            return f"no ext4 on a loop device that can be shut down: {error}"
    return ""


class PluggedBank(Bank):
    """Its clients' state is elsewhere: it is not they who lose power."""

    def __init__(self, base, port):
        super().__init__(base, port)
        self.disk = Disk(base)
        self.settle(self.disk.place / "d")

    def cut(self, how=NO_LOG_FLUSH):
        """Power off, and on: the processes are gone, the disk is back."""
        rooms = self.rooms()
        self.disk.shut_down(how)
        self.kill()
        wait_until(lambda: not any(alive(pid, name)
                                   for name, pid in rooms.items()),
                   "the end of all rooms")
        self.disk.unmount()
        self.disk.mount()

    def close(self):
        super().close()
        self.disk.close()
