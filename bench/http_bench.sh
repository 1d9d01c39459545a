#!/bin/sh
# http_bench.sh - a small GET from memory beside nginx serving a file of the same size.
#
#     bench/http_bench.sh [BUILD [ROUNDS [SECONDS [BYTES]]]]
# The HTTP server alone, with nothing of Swan behind it; BUILD is a meson build folder configured
# with -Dtests=true and optimisation.  beside_nginx.sh measures.
set -eu
build=${1:-build-bench} rounds=${2:-5} seconds=${3:-3} bytes=${4:-512}
program=$build/bench/http_bench_server
[ -x "$program" ] || { echo "$program is missing: meson setup $build -Dtests=true" >&2; exit 2; }
work=$(mktemp -d)
server_pid=''
finish() {
    [ -z "$server_pid" ] || kill "$server_pid" 2>/dev/null || :
    rm -rf "$work"
}
trap finish EXIT
trap 'exit 1' INT TERM

mkfifo "$work/hold"
"$program" "$bytes" <"$work/hold" >"$work/port" & server_pid=$!
exec 3>"$work/hold"
while [ ! -s "$work/port" ]; do
    kill -0 "$server_pid"
    sleep 0.05
done
head -c "$bytes" /dev/zero | tr '\0' x >"$work/file"
sh "$(dirname "$0")/beside_nginx.sh" "http://127.0.0.1:$(cat "$work/port")/file" "$work/file" \
    "$rounds" "$seconds"
