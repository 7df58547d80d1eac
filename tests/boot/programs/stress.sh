# Each class a number of times with its own checks; two of each at a time.
stress() {
    stress-ng --temp-path /work --timeout 100 --verify --metrics --seed 1 "$@" 2>&1
}
while read -r name operations options; do
    case $name in ''|'#'*) continue ;; esac
    stress --$name 2 --$name-ops $operations $options
done <stress-classes
