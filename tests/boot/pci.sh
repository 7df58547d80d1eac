# Devices behind the PCIe host: their interrupts are LPIs, also after one was moved to another CPU (the kernel moves the disk's itself).
count() { awk -v name="$1" '$0 ~ name { n = 0; for (i = 2; i <= NF && $i ~ /^[0-9]+$/; i++) n += $i; print n }' /proc/interrupts; }
read_some() { dd if=/dev/vda bs=64k iflag=direct 2>/dev/null | md5sum | cut -d' ' -f1; }
echo "disk $(read_some)"
before=$(count virtio0-req)
for cpu in $(seq 0 $(($(nproc) - 1))); do
    for irq in $(awk '/ITS.*virtio1-input/ { sub(":", "", $1); print $1 }' /proc/interrupts); do
        echo $cpu >/proc/irq/$irq/smp_affinity_list || exit 1
    done
    for i in 1 2 3 4 5; do [ "$(taskset $((1 << cpu)) dd if=/dev/hwrng bs=64 count=4 2>/dev/null | wc -c)" = 256 ] || exit 1; done
    echo "disk $(read_some)"
done
grep ITS /proc/interrupts
awk '/ITS.*virtio1-input/ { for (i = 2; $i ~ /^[0-9]+$/; i++) if ($i + 0 < 4) bad = 1; print "LPIs at every CPU:", bad ? "no" : "yes" }' /proc/interrupts
[ "$(count virtio0-req)" -gt "$before" ] && echo "LPIs of the disk: yes"
