#!/bin/sh
# run.sh - every figure of docs/performance.md, in order.
#
#     bench/run.sh              all (`make bench`); about five minutes
#     bench/run.sh PART...      start memory http wire store token json import intent retrieval design launch
#     bench/run.sh twin         (`make bench-twin`) the twin's graph, from both stores; about two minutes
#     bench/run.sh design-cbc   (`make bench-design`) the solution design at all sizes, seeds 1 to
#                               3, and CBC beside it; about fifteen minutes, needs coinor-libcbc-dev
#
# Builds build/swan and, in build-bench, the programs that measure, both optimised.  Anything else
# that runs on the machine harms the figures: the load is printed first.
set -eu
cd "$(dirname "$0")/.."
[ $# -gt 0 ] || set -- start memory http wire store token json import intent retrieval design launch
out=$(make 2>&1) || { echo "$out" >&2; exit 1; }
[ -f build-bench/build.ninja ] || meson setup build-bench -Dtests=true >/dev/null
out=$(ninja -C build-bench bench/json-bench bench/store-bench bench/http_bench_server \
    bench/intent-bench bench/retrieval-bench bench/access-bench bench/compute-bench 2>&1) || { echo "$out" >&2; exit 1; }

cpu=$(sed -n 's/^model name[^:]*: *//p' /proc/cpuinfo | head -n 1)
echo "machine: $(nproc) cores ($cpu), $(awk '/^MemTotal/ { printf "%.0f GiB", $2 / 1048576 }' /proc/meminfo)," \
    "Linux $(uname -r | cut -d- -f1), $(. /etc/os-release && echo "$PRETTY_NAME")"
export SWAN_BUILD="$PWD/build"
for part in "$@"; do
    echo
    echo "$part (load $(cut -d' ' -f1 /proc/loadavg))"
    case $part in
    start | memory | http | design | launch) python3 -B bench/server_bench.py "$part" ;;
    wire) sh bench/http_bench.sh build-bench 3 5 ;;
    store) build-bench/bench/store-bench 3 "${TMPDIR:-/tmp}" ;;
    token) build-bench/bench/access-bench ;;
    json) build-bench/bench/json-bench ;;
    import) build-bench/bench/compute-bench ;;
    retrieval) build-bench/bench/retrieval-bench ;;
    twin)
        ninja -C build-bench bench/graph-bench bench/twin-bench >/dev/null
        folder=$(mktemp -d)
        build-bench/bench/graph-bench
        build-bench/bench/twin-bench "$folder"
        sh tests/testbed/postgres.sh run build-bench/bench/twin-bench "$folder" 1000000 - || [ $? -eq 77 ]
        rm -rf "$folder"
        ;;
    intent)
        cat tests/data/intents/*.jsonl >build-bench/intents.jsonl
        build-bench/bench/intent-bench build-bench/intents.jsonl
        ;;
    design-cbc)
        ninja -C build-bench bench/design-cbc >/dev/null
        for seed in 1 2 3; do
            echo "seed $seed"
            build/swan bench design --needs 15 --time-limit 5 --seed $seed
        done
        build-bench/bench/design-cbc --sites 100,300,1000 --needs 12 --time-limit 60
        ;;
    *) echo "run.sh: no part '$part'" >&2; exit 2 ;;
    esac || [ $? -eq 77 ]
done
