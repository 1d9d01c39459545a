#!/bin/sh
# http_bench.sh - a small GET from memory beside nginx serving a file of the same size.
#
#     bench/http_bench.sh [BUILD [ROUNDS [SECONDS [BYTES]]]]
# Runs wrk -c64 -t2 on both in turn, so that a busy machine harms both alike, and prints each
# round, then the ratio of the medians and the median p99.  Needs nginx and wrk; BUILD is a meson
# build folder configured with -Dtests=true and optimisation.
set -eu
build=${1:-build} rounds=${2:-5} seconds=${3:-3} bytes=${4:-512}
program=$build/bench/http_bench_server
[ -x "$program" ] || { echo "$program is missing: meson setup $build -Dtests=true" >&2; exit 2; }
work=$(mktemp -d)
nginx_pid='' server_pid=''
finish() {
    [ -z "$server_pid" ] || kill "$server_pid" 2>/dev/null || :
    [ -z "$nginx_pid" ] || kill "$nginx_pid" 2>/dev/null || :
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
port=$(cat "$work/port")

mkdir "$work/www" "$work/tmp"
head -c "$bytes" /dev/zero | tr '\0' x >"$work/www/file"
nginx_port=$((port > 40000 ? port - 1171 : port + 1171))
chmod 755 "$work"
cat >"$work/nginx.conf" <<END
daemon off;
worker_processes $(nproc);
pid $work/nginx.pid;
error_log $work/error.log;
events { worker_connections 1024; use epoll; multi_accept on; }
http {
    access_log off;
    sendfile on;
    tcp_nopush on;
    keepalive_requests 100000000;
    open_file_cache max=100 inactive=60s;
    client_body_temp_path $work/tmp/1; proxy_temp_path $work/tmp/2; fastcgi_temp_path $work/tmp/3;
    uwsgi_temp_path $work/tmp/4; scgi_temp_path $work/tmp/5;
    server { listen 127.0.0.1:$nginx_port; root $work/www; }
}
END
nginx -p "$work" -c "$work/nginx.conf" & nginx_pid=$!
while [ ! -s "$work/nginx.pid" ]; do
    kill -0 "$nginx_pid"
    sleep 0.05
done

# "requests/s p99-in-ms"
measure() {
    wrk -c64 -t2 -d"${seconds}s" --latency "$1" | awk '
        /Requests\/sec/ { rate = $2 }
        /99%/ { p99 = $2; if (p99 ~ /us$/) p99 /= 1000; else if (p99 !~ /ms$/) p99 *= 1000; p99 += 0 }
        /Non-2xx|Socket errors/ { bad = 1 }
        END { if (bad || rate == 0) exit 1; printf "%.0f %.2f\n", rate, p99 }'
}
median() { sort -n "$1" | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }

i=0
while [ "$i" -lt "$rounds" ]; do
    i=$((i + 1))
    set -- $(measure "http://127.0.0.1:$port/file") $(measure "http://127.0.0.1:$nginx_port/file")
    echo "round $i: swan $1 requests/s p99 $2 ms, nginx $3 requests/s p99 $4 ms"
    echo "$1" >>"$work/s"; echo "$2" >>"$work/sp"; echo "$3" >>"$work/n"; echo "$4" >>"$work/np"
done
swan=$(median "$work/s") nginx=$(median "$work/n")
echo "ratio $(awk "BEGIN { printf \"%.2f\", $swan / $nginx }") (swan $swan, nginx $nginx requests/s)," \
    "p99 swan $(median "$work/sp") ms, nginx $(median "$work/np") ms, $bytes bytes, wrk -c64 -t2"
