# Each class a number of times with its own checks.
stress() {
    stress-ng --temp-path /work --timeout 100 --verify --metrics --seed 1 "$@" 2>&1
}
while read -r name together operations options; do
    case $name in ''|'#'*) continue ;; esac
    stress --$name $together --$name-ops $operations $options
done <stress-classes
