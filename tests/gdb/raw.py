#!/usr/bin/env python3
"""The gdb server and a client that the real gdb would not be: what comes together, what is not read, a step that powers off.

usage: raw.py ARMILLARY GUEST.elf [armillary options]
"""
import re
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SYSTEM_OFF = 0x84000008


class Client:
    def __init__(self, path):
        self.socket, self.bytes = socket.socket(socket.AF_UNIX), b""
        while self.socket.connect_ex(path):  # bound, but it does not listen yet
            time.sleep(0.01)
        self.socket.settimeout(20)
        self.ask("QStartNoAckMode")

    def send(self, *payloads, end=b""):
        frames = (f"${p}#{sum(p.encode()) & 255:02x}".encode() for p in payloads)
        self.socket.sendall(b"".join(frames) + end)

    def take(self):
        """The next packet; None at the end."""
        while not (found := re.search(rb"\$([^#]*)#..", self.bytes)):
            more = self.socket.recv(65536)
            if not more:
                return None
            self.bytes += more
        self.bytes = self.bytes[found.end():]
        return found[1].decode()

    def ask(self, payload):
        self.send(payload)
        return self.take()

    def register(self, n):
        return int.from_bytes(bytes.fromhex(self.ask(f"p{n:x}")), "little")


def together(client, _):
    """Ctrl-C in one piece with the wish to go on."""
    client.send("vCont;c", end=b"\x03")
    return (client.take() or "")[:3] in ("T02", "S02") and client.ask("D") == "OK"


def unread(client, machine):
    """A client that only asks: it is dropped, and the guest goes on to its end."""
    client.socket.setblocking(False)
    client.send("QStartNoAckMode")
    try:
        for _ in range(100_000):
            client.send("g")
    except BlockingIOError:
        pass
    try:
        machine.wait(timeout=30)
    except subprocess.TimeoutExpired:
        return False
    return True


def last_step(client, machine, calls):
    """A step over PSCI's SYSTEM_OFF is the end of the machine."""
    for call in calls:
        if client.ask(f"Z0,{call:x},4") != "OK":
            return False
    while (client.ask("vCont;c") or "W")[0] == "T" and client.register(0) != SYSTEM_OFF:
        pc = client.register(32)
        for step in (f"z0,{pc:x},4", "vCont;s:1", f"Z0,{pc:x},4"):
            client.ask(step)
    for call in calls:
        client.ask(f"z0,{call:x},4")
    end = client.ask("vCont;s:1")
    return end is not None and end[0] == "W"


def run(name, armillary, elf, options):
    symbols = subprocess.run(["aarch64-linux-gnu-objdump", "-d", elf], stdout=subprocess.PIPE, text=True, check=True).stdout
    calls = [int(at, 16) for at in re.findall(r"^ *([0-9a-f]+):.*\tsmc\t", symbols, re.M)]
    with tempfile.TemporaryDirectory() as folder:
        command = [armillary, "run", "--kernel", elf, "--smp", "2", "--memory", "256M", "--timeout", "60", "--gdb", f"unix:{folder}/gdb", "--wait", *options]
        with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as machine:
            while not Path(f"{folder}/gdb").exists() and machine.poll() is None:
                pass
            try:
                good = SESSIONS[name](Client(f"{folder}/gdb"), machine, *([calls] if name == "last_step" else []))
                good = machine.wait(timeout=60) == 0 and good
            except (OSError, ValueError, subprocess.TimeoutExpired) as error:
                print(f"{name}: {error}")
                good = False
            machine.kill()
    print(f"{name}: {'passed' if good else 'FAILED'}, status {machine.returncode}")
    return good


SESSIONS = {f.__name__: f for f in (together, unread, last_step)}


def main():
    armillary, elf, *options = sys.argv[1:]
    sys.exit(not all([run(name, armillary, elf, options) for name in SESSIONS]))


if __name__ == "__main__":
    main()
