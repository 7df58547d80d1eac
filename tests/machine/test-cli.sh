#!/bin/sh
# The program: exit statuses and messages. usage: test-cli.sh ARMILLARY (GUESTS: folder of guests)
set -u
armillary=$1
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
failed=0

# want STATUS WORD COMMAND...: the command ends with STATUS and says WORD on either stream.
want() {
    status=$1 word=$2
    shift 2
    timeout 60 "$@" >"$dir/out" 2>&1 </dev/null
    got=$?
    if [ "$got" -ne "$status" ] || ! grep -q -e "$word" "$dir/out"; then
        echo "FAIL: $*: status $got, wanted $status with \"$word\":"
        head -5 "$dir/out"
        failed=1
    fi
}

hello=$GUESTS/hello.bin
spin=$GUESTS/spin.bin
echo foreign >"$dir/text"
head -c 4000000 /dev/zero >"$dir/big"
want 2 'armillary run' "$armillary"
want 0 'armillary run' "$armillary" --help
want 0 '--kernel' "$armillary" run --help
want 2 'did you mean "run"' "$armillary" rum
want 2 'did you mean --kernel' "$armillary" run --kernle=x
want 2 'did you mean "exception"' "$armillary" run -k "$hello" --trace excepton
want 2 'what is "x"' "$armillary" run x
want 2 'nothing to run' "$armillary" run
want 2 'vCPUs' "$armillary" run -k "$hello" --smp 100000
want 2 'not a number' "$armillary" run -k "$hello" --smp many
want 2 'memory' "$armillary" run -k "$hello" --memory 99999T
want 2 'not a size' "$armillary" run -k "$hello" --memory 12Q
want 2 'host or virtual' "$armillary" run -k "$hello" --clock wall
want 2 'uart or virtio' "$armillary" run -k "$hello" --console tty
want 0 'hello' "$armillary" run -k "$hello" --console virtio
want 2 'file=FILE' "$armillary" run -k "$hello" --drive readonly=on
want 1 'No such file' "$armillary" run -k "$dir/missing"
want 1 'neither' "$armillary" run -k "$dir/text"
want 1 'does not fit' "$armillary" run -k "$hello" -m 2M -i "$dir/big"
want 0 'hello' "$armillary" run -k "$hello"
want 0 'hello' "$armillary" run -k "$hello" --clock virtual
want 0 'MIPS' "$armillary" run -k "$hello" --stats
want 0 'state-hash [0-9a-f]*' "$armillary" run -k "$hello" --clock virtual --state-hash
want 4 'max-insns' "$armillary" run -k "$spin" --clock virtual --max-insns 1000
want 4 'max-insns' "$armillary" run -k "$spin" --max-insns 1000000
want 5 'timeout' "$armillary" run -k "$spin" --timeout 0.2
want 5 'timeout' "$armillary" run -k "$spin" --timeout 0.2 --clock virtual
want 0 'psci function=0x84000008' "$armillary" run -k "$hello" --trace psci
want 0 'pl011' "$armillary" info machine
want 0 'exception' "$armillary" info events
want 0 'max' "$armillary" info cpu
want 0 'v8.8-nv2only (Armv8.8)' "$armillary" info cpu
want 0 'hello' "$armillary" run -k "$hello" --cpu v8.0
want 1 "did you mean 'v8.4'" "$armillary" run -k "$hello" --cpu v8.44
want 1 "'NV2' needs 'NV'" "$armillary" run -k "$hello" --cpu v8.2,nv2=on

# a signal ends a run within its status
"$armillary" run -k "$spin" </dev/null >/dev/null 2>&1 &
pid=$!
sleep 0.5
kill -TERM $pid
wait $pid
[ $? -eq 143 ] || { echo "FAIL: SIGTERM"; failed=1; }

# Ctrl-A x quits, and the terminal is as it was
if command -v script >/dev/null && command -v python3 >/dev/null; then
    python3 - "$armillary" "$spin" <<'PY' || { echo "FAIL: terminal"; failed=1; }
import os, pty, sys, termios, time

def await_raw(fd):
    for _ in range(400):
        if not termios.tcgetattr(fd)[3] & termios.ICANON:
            return
        time.sleep(0.05)
    sys.exit("the terminal never became raw")

pid, fd = pty.fork()
if pid == 0:
    os.execv(sys.argv[1], [sys.argv[1], "run", "--timeout", "60", "-k", sys.argv[2]])
await_raw(fd)
os.write(fd, b"\x01h")
text = b""
while b"Ctrl-A x" not in text:
    text += os.read(fd, 4096)
os.write(fd, b"\x01x")
deadline = time.time() + 20
done = 0
while not done and time.time() < deadline:
    try:
        os.read(fd, 4096)
    except OSError:
        pass
    done, status = os.waitpid(pid, os.WNOHANG)
assert done and os.WEXITSTATUS(status) == 7, status

# killed outright: the guard puts the terminal back
master, slave = pty.openpty()
before = termios.tcgetattr(slave)
pid = os.fork()
if pid == 0:
    os.setsid()
    for n in (0, 1, 2):
        os.dup2(slave, n)
    os.execv(sys.argv[1], [sys.argv[1], "run", "--timeout", "60", "-k", sys.argv[2]])
await_raw(slave)
os.kill(pid, 9)
os.waitpid(pid, 0)
for _ in range(100):
    time.sleep(0.05)
    if termios.tcgetattr(slave) == before:
        break
assert termios.tcgetattr(slave) == before
PY
fi
exit $failed
