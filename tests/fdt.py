#!/usr/bin/env python3
"""Prints a device tree blob as text, one property a line: path, name, value. For tests and for reading dumps.

usage: fdt.py FILE
"""
import struct
import sys


def parse(blob):
    """{path: {property: bytes}} of a flattened device tree (Devicetree Specification, chapter 5)."""
    magic, _total, off_struct, off_strings = struct.unpack_from(">4I", blob)
    if magic != 0xD00DFEED:
        raise ValueError("not a device tree blob")
    tree, path, pos = {}, [], off_struct
    while True:
        token, = struct.unpack_from(">I", blob, pos)
        pos += 4
        if token == 1:
            end = blob.index(b"\0", pos)
            path.append(blob[pos:end].decode())
            tree["/".join(path) or "/"] = {}
            pos = (end + 4) & ~3
        elif token == 2:
            path.pop()
        elif token == 3:
            size, name_off = struct.unpack_from(">2I", blob, pos)
            start = off_strings + name_off
            name = blob[start:blob.index(b"\0", start)].decode()
            tree["/".join(path) or "/"][name] = blob[pos + 8:pos + 8 + size]
            pos = (pos + 8 + size + 3) & ~3
        elif token == 9:
            return tree


def text_of(value):
    """A list of strings, of cells, or hex, whichever the bytes look like."""
    if not value:
        return ""
    parts = value.split(b"\0")
    if value.endswith(b"\0") and all(p and all(32 <= c < 127 for c in p) for p in parts[:-1]):
        return " ".join(f'"{p.decode()}"' for p in parts[:-1])
    if len(value) % 4 == 0:
        return "<" + " ".join(f"{c:#x}" for c in struct.unpack(f">{len(value) // 4}I", value)) + ">"
    return value.hex()


def main():
    with open(sys.argv[1], "rb") as stream:
        tree = parse(stream.read())
    for path, properties in tree.items():
        print(path)
        for name, value in properties.items():
            print(f"    {name} = {text_of(value)}")


if __name__ == "__main__":
    main()
