# python: numeric work compared with the host's. python-GROUP: python's own tests, the lines of python-tests that begin with the group.
if [ "$1" = host ]; then
    python3 compute.py
elif [ "$2" = python ]; then
    python3.13 compute.py
else
    export PYTHONDONTWRITEBYTECODE=1 PYTHONHASHSEED=0
    python3.13 -m test -j2 --randseed 1 --timeout 500 --tempdir /tmp $(sed -n "s/^${2#python-} //p" python-tests) 2>&1
fi
