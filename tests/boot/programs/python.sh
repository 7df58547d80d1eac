# Numeric work compared with the host's python; then python's own tests, those of the file named by the second argument, whose lines are a
# test and tests of it that take too long here or need what is not in the image.
if [ "$1" = guest ]; then
    export PYTHONDONTWRITEBYTECODE=1 PYTHONHASHSEED=0
    python=python3.13
    ignored=$(sed -n 's/^[a-z_]* *\(.\)/\1/p' "$2" | tr ' ' '\n' | sed 's/^/-i /')
    $python -m test -j2 --randseed 1 --slowest --timeout 400 --tempdir /tmp $ignored $(cut -d' ' -f1 "$2") 2>&1
else
    python=python3
fi
$python compute.py
