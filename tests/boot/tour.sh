# A short tour of the machine, run in the guest by `scripts/demo --batch`.
uname -srm
echo "CPUs online: $(nproc)"
dmesg | grep -E 'started at EL|kvm \[|GICv3: GIC|arch_timer: cp15'
cat /proc/interrupts | head -5
echo "armillary" | sha256sum
