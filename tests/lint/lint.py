#!/usr/bin/env python3
"""House rules that a machine can check: docs/architecture.md (rooms) and CONTRIBUTING.md (sizes, names, forbidden calls).

usage: lint.py CHECK SOURCE_ROOT [BUILD_ROOT]     CHECK: includes | sizes | calls | symbols | headers | selftest
"""
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOMS = {  # room: (rooms whose headers it may include, prefixes of its exported symbols)
    "include": (set(), ()),
    "src/fp": (set(), ("fp_",)),
    "src/ir": (set(), ("ir_",)),
    "src/engine": ({"src/ir", "src/fp", "src/interp"}, ("eng_",)),
    "src/interp": ({"src/ir", "src/fp", "src/engine"}, ("interp_",)),
    "target-arm64": ({"src/ir", "src/fp"}, ("a64_",)),
    "hw": (set(), ("hw_", "gic_", "pl011_", "pl031_", "pl061_", "virtio_", "vm_device_", "flash_", "pci_")),
    "src/memory": (set(), ("mem_",)),
    "src/event": (set(), ("ev_",)),
    "src/snapshot": (set(), ("snap_",)),
    "src/trace": (set(), ("trace_",)),
    "src/ui": (set(), ("ui_",)),
    "src/gdb": (set(), ("gdb_",)),
    "src/machine": (None, ("vm_",)),  # the composition root may include everything
    "src/cli": (None, ("cli_", "main")),
}
MAX_FILE, MAX_FUNCTION, MAX_COLUMNS, MAX_PARAMETERS = 600, 60, 100, 5
FORBIDDEN = re.compile(r"(?<![\w.>])(time|clock_gettime|gettimeofday|rand|random|srand|abort|exit)\s*\(")
FORBIDDEN_OK = {"clock_gettime": ("src/event", "src/cli", "src/trace"), "exit": ("src/cli",)}


def room_of(path):
    text = path.as_posix()
    best = [r for r in ROOMS if text == r or text.startswith(r + "/")]
    return max(best, key=len) if best else None


def sources(root, suffixes=(".c", ".h")):
    for top in ("include", "src", "hw", "target-arm64"):
        for path in sorted((root / top).rglob("*")):
            if path.suffix in suffixes and path.is_file():
                yield path.relative_to(root)


def check_includes(root):
    """Every quoted include names a header of the same room, of include/, or of a room this one may enter."""
    headers = {}
    for path in sources(root, (".h", ".def", ".inc")):
        headers.setdefault(path.name, []).append(path)
    errors = []
    for path in sources(root):
        room = room_of(path)
        allowed = ROOMS[room][0]
        for number, line in enumerate((root / path).read_text().splitlines(), 1):
            match = re.match(r'\s*#\s*include\s+"([^"]+)"', line)
            if not match or match[1].startswith("armillary/"):
                continue
            if (root / path.parent / match[1]).exists():
                target_room = room_of((path.parent / match[1]))
                target_room = room_of(Path((root / path.parent / match[1]).resolve().relative_to(root.resolve())))
            else:
                found = headers.get(Path(match[1]).name)
                if not found:
                    continue  # generated: the build knows where it is
                target_room = room_of(found[0])
            if target_room != room and allowed is not None and target_room not in allowed:
                errors.append(f"{path}:{number}: {room} may not include {match[1]} of {target_room}")
    return errors


def functions(lines):
    """(first line number, header text, body lines) of each function: house style puts both braces in column 0."""
    start = None
    for number, line in enumerate(lines):
        if line == "{":
            start = number
        elif line.startswith("}") and start is not None:
            head = start
            while head > 0 and lines[head - 1].strip() and not lines[head - 1].startswith(("}", "#", "/*", " */")):
                head -= 1
            yield start + 1, " ".join(lines[head:start]), lines[start + 1:number]
            start = None


def is_arm_list(body):
    """A switch of one-line arms: most lines are cases."""
    arms = sum(1 for line in body if re.match(r"\s*(case\b|default:|break;|return\b.*;$)", line))
    return arms * 3 >= len(body) * 2


def parameters(header):
    match = re.search(r"\(([^()]*(?:\([^()]*\)[^()]*)*)\)\s*$", header)
    if not match or "=" in header:
        return 0
    depth, count = 0, 1
    for char in match[1]:
        depth += (char == "(") - (char == ")")
        count += char == "," and depth == 0
    return count


def check_sizes(root):
    errors = []
    for path in [*sources(root), *(p.relative_to(root) for p in sorted((root / "tests").rglob("*.[ch]")))]:
        count = len((root / path).read_text().splitlines())
        if count > MAX_FILE:
            errors.append(f"{path}: {count} lines, at most {MAX_FILE}: split it")
    for path in sources(root):
        lines = (root / path).read_text().splitlines()
        for number, line in enumerate(lines, 1):
            if len(line) > MAX_COLUMNS:
                errors.append(f"{path}:{number}: {len(line)} columns, at most {MAX_COLUMNS}")
        if path.suffix != ".c":
            continue
        for number, header, body in functions(lines):
            if len(body) > MAX_FUNCTION and not is_arm_list(body):
                errors.append(f"{path}:{number}: function of {len(body)} lines, at most {MAX_FUNCTION}")
            if parameters(header) > MAX_PARAMETERS:
                errors.append(f"{path}:{number}: {parameters(header)} parameters, at most {MAX_PARAMETERS}")
    return errors


def check_calls(root):
    """Forbidden calls, extern in .c, headers without #pragma once, files that do not open with a comment."""
    errors = []
    for path in sources(root):
        text = (root / path).read_text()
        if path.suffix == ".h" and "#pragma once" not in text:
            errors.append(f"{path}: no #pragma once")
        if not text.startswith("/*"):
            errors.append(f"{path}:1: a file opens with a comment saying what it models")
        code = re.sub(r"/\*.*?\*/|\"(?:\\.|[^\"\\\n])*\"", lambda m: "\n" * m[0].count("\n"), text, flags=re.S)
        for number, line in enumerate(code.splitlines(), 1):
            line = line.split("//")[0]
            if path.suffix == ".c" and re.match(r"\s*extern\b", line):
                errors.append(f"{path}:{number}: extern in a .c file")
            for match in FORBIDDEN.finditer(line):
                if not path.as_posix().startswith(FORBIDDEN_OK.get(match[1], ("\0",))):
                    errors.append(f"{path}:{number}: {match[1]}() is not allowed here")
            if re.search(r"\bTODO\b|\bFIXME\b", line):
                errors.append(f"{path}:{number}: TODO (use MISSING: or DIFFERS:)")
    return errors


def check_symbols(root, build):
    """Exported symbols carry the room's prefix; no room has writable static data."""
    errors = []
    for room, (_, prefixes) in ROOMS.items():
        for archive in sorted((build / room).rglob("*.a")) if (build / room).is_dir() else []:
            listing = subprocess.run(["objdump", "-t", archive], capture_output=True, text=True, check=True).stdout
            for line in listing.splitlines():
                match = re.match(r"^[0-9a-f]{16} (.{7}) (\S+)\s+([0-9a-f]{16}) (?:\.hidden )?(\S+)$", line)
                if not match:
                    continue
                flags, section, size, name = match.groups()
                if flags[0] in "gu" and "F" in flags and not name.startswith(prefixes):
                    errors.append(f"{archive.name}: exported {name} lacks the prefix {' or '.join(prefixes)}")
                if re.match(r"\.(data|bss)(\.(?!rel\.ro)|$)", section) and "O" in flags and int(size, 16) \
                        and not name.startswith(("__", "llvm")):
                    errors.append(f"{archive.name}: {name} is mutable static data")
    return errors


def check_headers(root, build, compiler):
    """Every public header compiles alone."""
    errors = []
    glib = subprocess.run(["pkg-config", "--cflags", "glib-2.0"], capture_output=True, text=True).stdout.split()
    for path in sorted((root / "include/armillary").glob("*.h")):
        with tempfile.NamedTemporaryFile("w", suffix=".c") as unit:
            unit.write(f'#include "armillary/{path.name}"\n#include "armillary/{path.name}"\n')
            unit.flush()
            run = subprocess.run([*compiler, "-std=gnu17", "-Wall", "-Wextra", "-Werror", "-fsyntax-only",
                                  f"-I{root}/include", f"-I{build}/include", *glib, unit.name], capture_output=True, text=True)
        if run.returncode:
            errors.append(f"{path.relative_to(root)} does not compile alone:\n{run.stderr}")
    return errors


def selftest():
    """Each rule is provoked once."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for room in ROOMS:
            (root / room).mkdir(parents=True, exist_ok=True)
        (root / "src/machine/board.h").write_text("/* x */\n#pragma once\n")
        (root / "hw/bad.c").write_text('/* x */\n#include "board.h"\nextern int x;\nint hw_f(int a, int b, int c, int d, int e, int f)\n{\n'
                                       + "    x++;\n" * 61 + "    return rand();\n}\n" + "/* " + "x" * 100 + " */\n")
        (root / "hw/open.h").write_text("int x;\n")
        (root / "hw/long.c").write_text("/* x */\n" * 601)
        wanted = {check_includes: ["may not include board.h"],
                  check_sizes: ["601 lines", "columns", "function of 62 lines", "6 parameters"],
                  check_calls: ["extern in", "rand() is not", "no #pragma once", "opens with a comment"]}
        for check, texts in wanted.items():
            found = "\n".join(check(root))
            for text in texts:
                if text not in found:
                    return [f"selftest: {check.__name__} did not report '{text}'"]
    return []


def main():
    check, root = sys.argv[1], Path(sys.argv[2])
    build = Path(sys.argv[3]) if len(sys.argv) > 3 else None
    errors = {"includes": lambda: check_includes(root), "sizes": lambda: check_sizes(root), "calls": lambda: check_calls(root),
              "symbols": lambda: check_symbols(root, build), "headers": lambda: check_headers(root, build, sys.argv[4:]),
              "selftest": selftest}[check]()
    print("\n".join(errors))
    sys.exit(1 if errors else 0)


if __name__ == "__main__":
    main()
