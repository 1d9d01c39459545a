#!/bin/sh
# beside_nginx.sh - a GET measured beside nginx serving the same bytes from a file.
#
#     bench/beside_nginx.sh URL FILE [ROUNDS [SECONDS [HEADER]]]
# FILE holds what URL answers.  Runs wrk -c64 -t2 on both in turn, so that a busy machine harms both
# alike, and prints each round, then the ratio of the medians and the median p99.  Needs nginx and wrk.
set -eu
url=$1 file=$2 rounds=${3:-3} seconds=${4:-10} header=${5:-Accept: */*}
for tool in nginx wrk; do
    command -v $tool >/dev/null || PATH=$PATH:/usr/sbin
    command -v $tool >/dev/null || { echo "$tool is not installed" >&2; exit 77; }
done
work=$(mktemp -d)
nginx_pid=
finish() {
    [ -z "$nginx_pid" ] || { kill "$nginx_pid" 2>/dev/null && wait "$nginx_pid" || :; }
    rm -rf "$work"
}
trap finish EXIT
trap 'exit 1' INT TERM

mkdir "$work/www" "$work/tmp"
cp "$file" "$work/www/file"
bytes=$(wc -c <"$file")
chmod -R a+rX "$work"
nginx_port=$((20000 + $$ % 20000))
cat >"$work/nginx.conf" <<CONF
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
    default_type application/json;
    client_body_temp_path $work/tmp/1; proxy_temp_path $work/tmp/2; fastcgi_temp_path $work/tmp/3;
    uwsgi_temp_path $work/tmp/4; scgi_temp_path $work/tmp/5;
    server { listen 127.0.0.1:$nginx_port; root $work/www; }
}
CONF
nginx -p "$work" -c "$work/nginx.conf" & nginx_pid=$!
while [ ! -s "$work/nginx.pid" ]; do
    kill -0 "$nginx_pid"
    sleep 0.05
done

# "requests/s p99-in-ms"; fails when an answer was not 2xx
measure() {
    wrk -c64 -t2 -d"${seconds}s" --latency -H "$header" "$1" | awk '
        /Requests\/sec/ { rate = $2 }
        /99%/ { p99 = $2; if (p99 ~ /us$/) p99 /= 1000; else if (p99 !~ /ms$/) p99 *= 1000; p99 += 0 }
        /Non-2xx|Socket errors/ { bad = 1 }
        END { if (bad || rate == 0) exit 1; printf "%.0f %.2f\n", rate, p99 }'
}
median() { sort -n "$1" | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }

i=0
while [ "$i" -lt "$rounds" ]; do
    i=$((i + 1))
    swan=$(measure "$url") || { echo "swan answered with errors" >&2; exit 1; }
    nginx=$(measure "http://127.0.0.1:$nginx_port/file") || { echo "nginx: errors" >&2; exit 1; }
    echo "round $i: swan ${swan% *} requests/s p99 ${swan#* } ms," \
        "nginx ${nginx% *} requests/s p99 ${nginx#* } ms"
    echo "$swan" >>"$work/swan"
    echo "$nginx" >>"$work/nginx"
done
for who in swan nginx; do
    cut -d' ' -f1 "$work/$who" >"$work/$who.rate"
    cut -d' ' -f2 "$work/$who" >"$work/$who.p99"
done
swan=$(median "$work/swan.rate") nginx=$(median "$work/nginx.rate")
echo "ratio $(awk "BEGIN { printf \"%.2f\", $swan / $nginx }") (swan $swan, nginx $nginx requests/s)," \
    "p99 swan $(median "$work/swan.p99") ms, nginx $(median "$work/nginx.p99") ms, $bytes bytes, wrk -c64 -t2"
