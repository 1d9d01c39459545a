#!/bin/sh
# podman.sh up|count|down DIR [NAME]: a podman service of its own below DIR (an existing temporary folder).
#   up     starts it and prints "endpoint=unix://…"; exit 77 with a reason where it cannot run
#   count  how many containers carry the label swan.name=NAME, asked by the command line
#   down   removes its containers, ends the service by its id, unmounts what it mounted
# To be run below isolated.sh.  Everything is under DIR; no file elsewhere is touched.
set -u
verb=$1 dir=$2
root=$dir/podman
hard() { # the smaller of the wanted limit and what this shell may have
    limit=$(ulimit -H "$1")
    if [ "$limit" != unlimited ] && [ "$limit" -lt "$2" ]; then echo "$limit"; else echo "$2"; fi
}
engine() {
    CONTAINERS_CONF=$root/containers.conf podman --runtime runc --root "$root/root" \
        --runroot "$root/run" --storage-driver vfs --network-config-dir "$root/net" \
        --tmpdir "$root/tmp" "$@"
}
case $verb in
up)
    for program in podman runc conmon; do
        if ! command -v $program >/dev/null; then echo "SKIP: $program is not installed"; exit 77; fi
    done
    mkdir -p "$root/net" "$root/tmp"
    cat >"$root/containers.conf" <<CONF
[containers]
default_ulimits = ["nofile=1024:$(hard -n 4096)"]
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
runtime = "runc"
CONF
    socket=$root/podman.sock
    CONTAINERS_CONF=$root/containers.conf setsid podman --runtime runc --root "$root/root" \
        --runroot "$root/run" --storage-driver vfs --network-config-dir "$root/net" \
        --tmpdir "$root/tmp" system service --time=0 "unix://$socket" \
        >"$root/log" 2>&1 </dev/null &
    echo $! >"$root/pid"
    tries=0
    until curl -fs --unix-socket "$socket" http://engine/_ping >/dev/null 2>&1; do
        tries=$((tries + 1))
        if [ $tries -gt 100 ] || ! kill -0 "$(cat "$root/pid")" 2>/dev/null; then
            echo "SKIP: podman does not start here: $(tail -n 1 "$root/log")"
            "$0" down "$dir" >/dev/null 2>&1
            exit 77
        fi
        sleep 0.1
    done
    echo "endpoint=unix://$socket"
    "$(dirname "$0")/rootfs.sh" "$dir"
    ;;
count)
    engine ps --all --quiet --filter "label=swan.name=$3" | wc -l
    ;;
down)
    [ -d "$root" ] || exit 0
    engine rm --all --force --time 0 >/dev/null 2>&1
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
