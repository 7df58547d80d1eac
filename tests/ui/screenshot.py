#!/usr/bin/env python3
"""`--display sdl` under a virtual X server: the guest's words stand in the window, pixel by pixel.

usage: screenshot.py ARMILLARY [PNG]
Runs a guest that prints a line and sleeps, with a window under Xvfb, reads Xvfb's frame buffer file (X Window Dump format), and looks for the shape
of a word that the guest printed, drawn with the letters of src/ui/font.c. With PNG the screen is written there.
"""
import os
import re
import struct
import subprocess
import sys
import tempfile
import time
import zlib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
INK, SCALE = 0xd8dee9, 2
WORD = "Armillary"


def letters():
    """The glyphs of font.c, by character."""
    rows = re.findall(r"\{((?:\d+, ){6}\d+)\}", (ROOT / "src/ui/font.c").read_text())
    return {chr(32 + i): [int(v) for v in row.split(",")] for i, row in enumerate(rows)}


def read_xwd(path):
    """(width, height, rows of 24-bit pixels) of an X Window Dump, as Xvfb keeps it."""
    data = path.read_bytes()
    header = struct.unpack(">25I", data[:100])
    size, width, height, stride, colours = header[0], header[4], header[5], header[12], header[19]
    at = size + colours * 12
    rows = []
    for y in range(height):
        line = data[at + y * stride:at + y * stride + 4 * width]
        rows.append([pixel & 0xffffff for pixel in struct.unpack("<%dI" % width, line)])
    return width, height, rows


def word_shape(word):
    """Lit pixels (x, y) of the word, relative to its first letter."""
    glyphs, lit = letters(), []
    for i, char in enumerate(word):
        for y, bits in enumerate(glyphs[char]):
            lit += [(i * 6 * SCALE + x * SCALE, y * SCALE) for x in range(5) if bits >> (4 - x) & 1]
    return lit


def find(rows, width, height, lit):
    for y in range(height - 7 * SCALE):
        for x in range(width - max(p[0] for p in lit)):
            if rows[y + lit[0][1]][x + lit[0][0]] == INK and all(rows[y + dy][x + dx] == INK for dx, dy in lit):
                return x, y
    return None


def write_png(path, width, height, rows):
    raw = b"".join(b"\0" + b"".join(p.to_bytes(3, "big") for p in row) for row in rows)

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
                     + chunk(b"IDAT", zlib.compress(raw)) + chunk(b"IEND", b""))


def main():
    with tempfile.TemporaryDirectory() as folder:
        read_end, write_end = os.pipe()
        server = subprocess.Popen(["Xvfb", "-displayfd", str(write_end), "-screen", "0", "1280x800x24", "-fbdir", folder, "-nolisten", "tcp"],
                                  pass_fds=[write_end], stderr=subprocess.DEVNULL)
        os.close(write_end)
        display = os.read(read_end, 16).decode().strip()
        program = Path(folder) / "hello.elf"
        subprocess.run(["aarch64-linux-gnu-gcc", "-nostdlib", "-static", "-Wl,-Ttext=0x40200000", "-o", program, Path(__file__).parent / "hello.S"],
                       check=True)
        guest = subprocess.Popen([sys.argv[1], "run", "--kernel", program, "--display", "sdl"], stdin=subprocess.DEVNULL,
                                 stdout=subprocess.DEVNULL, env={**os.environ, "DISPLAY": f":{display}"})
        place = None
        until = time.time() + 30
        while place is None and time.time() < until and guest.poll() is None:
            time.sleep(0.1)
            width, height, rows = read_xwd(Path(folder) / "Xvfb_screen0")
            place = find(rows, width, height, word_shape(WORD))
        if place and len(sys.argv) > 2:
            write_png(Path(sys.argv[2]), width, height, rows)
        status = guest.poll()
        guest.terminate()
        guest.wait()
        server.terminate()
        server.wait()
    if not place:
        sys.exit(f"'{WORD}' is not in the window (guest's status {status})")
    print(f"'{WORD}' at {place}")


if __name__ == "__main__":
    main()
