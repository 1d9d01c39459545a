#!/bin/sh
# dockerd.sh up|count|down DIR [NAME]: a Docker daemon of its own below DIR (an existing temporary folder).
#   up     starts it and prints "endpoint=tcp://…"; exit 77 with a reason where it cannot run
#   count  how many containers carry the label swan.name=NAME, asked of the daemon directly
#   down   removes its containers, ends daemon and containerd by their ids, unmounts what it mounted
# To be run below isolated.sh, where port 2375 is nobody else's.  Everything is under DIR; no file elsewhere is touched.
set -u
verb=$1 dir=$2
root=$dir/docker
socket=$root/docker.sock
hard() { # the smaller of the wanted limit and what this shell may have
    limit=$(ulimit -H "$1")
    if [ "$limit" != unlimited ] && [ "$limit" -lt "$2" ]; then echo "$limit"; else echo "$2"; fi
}
client() {
    curl -s --unix-socket "$socket" "$@"
}
containers() { # ids of all containers, one a line
    client --get "$@" "http://engine/containers/json?all=true" | grep -o '"Id":"[0-9a-f]*"' |
        cut -d '"' -f 4
}
case $verb in
up)
    for program in dockerd containerd runc iptables; do
        if ! command -v $program >/dev/null; then echo "SKIP: $program is not installed"; exit 77; fi
    done
    mkdir -p "$root"
    echo '{}' >"$root/daemon.json"
    setsid dockerd --data-root "$root/root" --exec-root "$root/run" --pidfile "$root/dockerd.pid" \
        --host "unix://$socket" --default-ulimit "nofile=1024:$(hard -n 4096)" \
        --storage-driver vfs --config-file "$root/daemon.json" --host "tcp://127.0.0.1:2375" --tls=false >"$root/log" 2>&1 </dev/null &
    echo $! >"$root/pid"
    tries=0
    until client -f http://engine/_ping >/dev/null 2>&1; do
        tries=$((tries + 1))
        if [ $tries -gt 200 ] || ! kill -0 "$(cat "$root/pid")" 2>/dev/null; then
            echo "SKIP: dockerd does not start here: $(tail -n 1 "$root/log")"
            "$0" down "$dir" >/dev/null 2>&1
            exit 77
        fi
        sleep 0.1
    done
    echo "endpoint=tcp://127.0.0.1:2375"
    "$(dirname "$0")/rootfs.sh" "$dir"
    ;;
count)
    containers --data-urlencode "filters={\"label\":[\"swan.name=$3\"]}" | wc -l
    ;;
down)
    [ -d "$root" ] || exit 0
    containers | while read -r id; do
        client -X DELETE "http://engine/containers/$id?force=true&v=true" >/dev/null
    done
    if [ -f "$root/pid" ]; then
        pid=$(cat "$root/pid")
        kill "$pid" 2>/dev/null
        while kill -0 "$pid" 2>/dev/null; do sleep 0.05; done
    fi
    grep -F " $root/" /proc/self/mounts | cut -d ' ' -f 2 | sort -r | while read -r mount; do
        umount "$mount" 2>/dev/null
    done
    rm -rf "$root"
    ;;
*)
    echo "usage: $0 up|count|down DIR [NAME]" >&2
    exit 2
    ;;
esac
