#!/usr/bin/env python3
"""Debug a real kernel with the real gdb: an nVHE host with a KVM guest, stopped in EL2's vectors.

usage: kernel.py ARMILLARY [armillary options]
Starts the machine, attaches gdb-multiarch once the host's userland is there, lets session.py (below, run inside gdb) do the checks, and
wants the machine to go on to its power-off after gdb has detached.
"""
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "boot"))
import boot  # noqa: E402


def host_files(folder):
    kernel = boot.output_of(boot.SCRIPTS / "guest-fetch", "kernel", "cloud", "trixie-backports")
    boot.output_of(boot.SCRIPTS / "guest-vmm", folder / "vmm")
    (folder / "guest.sh").write_text("echo guest is here\n")
    boot.output_of(boot.SCRIPTS / "guest-initramfs", folder / "guest.cpio", "--script", folder / "guest.sh")
    (folder / "host.sh").write_text('echo "ready for gdb"; sleep 2\nvmm -a "console=ttyS0 nokaslr panic=-1" -i /guest.cpio /Image </dev/null\n')
    boot.output_of(boot.SCRIPTS / "guest-initramfs", folder / "host.cpio", "--script", folder / "host.sh", "--add", f"{folder}/vmm:bin/vmm",
                   "--add", f"{folder}/guest.cpio:guest.cpio", "--add", f"{kernel}/boot/vmlinuz:Image")
    return kernel


def main():
    armillary, options = sys.argv[1], sys.argv[2:]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        kernel = host_files(folder)
        command = [armillary, "run", "--kernel", f"{kernel}/boot/vmlinuz", "--initrd", str(folder / "host.cpio"), "--memory", "1G", "--smp", "4",
                   "--append", "console=ttyAMA0 kvm-arm.mode=nvhe nokaslr panic=-1", "--gdb", f"unix:{folder}/gdb", "--timeout", "200", *options]
        machine = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        console = []
        ready = threading.Event()

        def read():
            for line in machine.stdout:
                console.append(line.decode(errors="replace"))
                if b"ready for gdb" in line:
                    ready.set()
            ready.set()
        reader = threading.Thread(target=read)
        reader.start()
        ready.wait(120)
        gdb = subprocess.run(["gdb-multiarch", "-nx", "-batch", "-ex", f"target remote {folder}/gdb", "-x", str(HERE / "session.py")],
                             stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=300, check=False)
        reader.join(200)
        machine.kill()
        status = machine.wait()
    text = "".join(console).replace("\r", "")
    problems = boot.console_problems(text, ["guest is here", "reboot: Power down"])
    if status != 0:
        problems.append(f"the machine's exit status: {status}")
    if "gdb: all checks passed" not in gdb.stdout:
        problems.append("gdb's session failed")
    print(gdb.stdout)
    if problems:
        print(text[-3000:])
        print("\n".join(problems))
        sys.exit(1)


if __name__ == "__main__":
    main()
