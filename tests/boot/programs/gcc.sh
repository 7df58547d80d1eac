# A program compiled several ways; then the project's own floating point and its vectors, compiled where they run.
if [ "$1" = guest ]; then cc=gcc-14; else cc=gcc; fi
for flags in -O0 -O2 "-O3 -fno-strict-aliasing" -Os; do
    $cc $flags -Wall -Werror -ffp-contract=off -o sample sample.c -lm -pthread && ./sample | sed "s/^/same $(echo $flags | tr -d ' ') /"
done
$cc -O2 -std=gnu17 -Iinclude -o vectors vectors.c fp/*.c -lm && ./vectors <vectors.txt | sed 's/^/same /'
