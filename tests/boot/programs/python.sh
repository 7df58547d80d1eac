# python: numeric work compared with the host's. python-GROUP: python's own tests, the lines of python-tests that begin with the group, here and
# (native) by the same packages for the host's CPU.
if [ "$1" = host ]; then
    python3 compute.py
elif [ "$2" = python ]; then
    python3.13 compute.py
else
    export PYTHONDONTWRITEBYTECODE=1 PYTHONHASHSEED=0
    modules=$(while read -r group module; do if [ "python-$group" = "$2" ]; then echo "$module"; fi; done <python-tests)
    [ -n "$modules" ] || exit 1 # python would run all it has
    # test_print_exception_gh_102056 prints how far it got in a second, megabytes of it: minutes on a busy machine
    python3.13 -m test -j2 --randseed 1 --timeout 1000 --tempdir /tmp --ignore test_print_exception_gh_102056 \
        --junit-xml "$PWD/outcomes.xml" $modules 2>&1
fi
