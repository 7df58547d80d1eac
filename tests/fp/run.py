#!/usr/bin/env python3
"""Pipes generate.py into the vector driver: run.py DRIVER [generate.py's options]."""

import os
import subprocess
import sys


def main():
    generate = os.path.join(os.path.dirname(os.path.abspath(__file__)), "generate.py")
    driver, *options = sys.argv[1:]
    source = subprocess.Popen([sys.executable, generate, *options], stdout=subprocess.PIPE)
    result = subprocess.run([driver], stdin=source.stdout, check=False)
    source.stdout.close()
    return result.returncode or source.wait()


if __name__ == "__main__":
    sys.exit(main())
