#!/bin/sh
# postgres.sh - a PostgreSQL cluster of its own for tests, in a temporary folder.
#   postgres.sh up        starts one; prints its folder and its URL, a line each
#   postgres.sh down DIR  ends it and removes the folder
#   postgres.sh run CMD…  runs a command with SWAN_TEST_POSTGRES=URL, then ends the cluster whatever came
# The cluster keeps no promise over power loss (--no-sync, fsync=off) unless SWAN_TEST_PG_FSYNC=1, speaks on
# 127.0.0.1 on a free port and on a socket in its folder.  initdb refuses root: as root it runs as
# user postgres.  Exit 77 (skip) when PostgreSQL is not installed.
set -eu

bin=
for candidate in /usr/lib/postgresql/*/bin; do
    if [ -x "$candidate/initdb" ]; then bin=$candidate; fi
done
if [ -z "$bin" ] && command -v initdb >/dev/null 2>&1; then
    bin=$(dirname "$(command -v initdb)")
fi

as_user() {
    if [ "$(id -u)" = 0 ]; then
        setpriv --reuid=postgres --regid=postgres --clear-groups -- "$@"
    else
        "$@"
    fi
}

up() {
    if [ -z "$bin" ]; then
        echo "postgresql is not installed" >&2
        exit 77
    fi
    dir=$(mktemp -d "${TMPDIR:-/tmp}/swan-pg.XXXXXX")
    trap 'down "$dir" || true' EXIT
    if [ "$(id -u)" = 0 ]; then chown postgres: "$dir"; fi
    cd "$dir"
    as_user "$bin/initdb" --no-sync -A trust -U swan -E UTF8 --locale=C -D "$dir/data" >"$dir/initdb.log" 2>&1
    fsync=off
    if [ "${SWAN_TEST_PG_FSYNC:-}" = 1 ]; then fsync=on; fi
    tries=0
    # A port is free until somebody takes it: on failure another one is tried.
    while :; do
        port=$(od -An -N2 -tu2 /dev/urandom | awk '{print 20000 + $1 % 30000}')
        if as_user "$bin/pg_ctl" -D "$dir/data" -l "$dir/server.log" -w -t 30 -s -o "-p $port \
            -c listen_addresses=127.0.0.1 -c unix_socket_directories=$dir -c fsync=$fsync \
            -c max_connections=100 -c shared_buffers=32MB" start >"$dir/start.log" 2>&1; then
            break
        fi
        tries=$((tries + 1))
        if [ $tries -ge 5 ]; then
            cat "$dir/server.log" >&2
            exit 1
        fi
    done
    trap - EXIT
    echo "$dir"
    echo "postgresql://swan@127.0.0.1:$port/postgres"
}

down() {
    if [ -f "$1/data/postmaster.pid" ]; then
        as_user "$bin/pg_ctl" -D "$1/data" -m immediate -w -s stop >/dev/null 2>&1 || true
    fi
    rm -rf "$1"
}

run() {
    answer=$(up) || exit $?
    dir=$(echo "$answer" | sed -n 1p)
    child=
    trap 'if [ -n "$child" ]; then kill "$child" 2>/dev/null || true; fi; down "$dir"' EXIT
    trap 'exit 143' TERM INT HUP
    SWAN_TEST_POSTGRES=$(echo "$answer" | sed -n 2p) "$@" &
    child=$!
    status=0
    wait "$child" || status=$?
    child=
    exit $status
}

case "${1:-}" in
up) up ;;
run)
    shift
    run "$@"
    ;;
down) down "$2" ;;
*)
    sed -n '2,8p' "$0" >&2
    exit 2
    ;;
esac
