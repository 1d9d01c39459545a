#!/bin/sh
# host-local.sh up|count|down DIR [NAME]: this machine as a host; SWAN_BUILD is the build folder.
#   count  processes whose environment says SWAN_INSTANCE=NAME and a folder below DIR, looked up in
#          /proc; a folder of that name without a process counts as one, for it must not stay either
#   down   ends the supervisors that are left below DIR, by id
set -u
verb=$1 dir=$2
case $verb in
up)
    for file in "$SWAN_BUILD/swan-supervise" "$SWAN_BUILD/applications/hello/hello.tar.gz"; do
        [ -f "$file" ] || { echo "SKIP: $file was not built"; exit 77; }
    done
    echo "endpoint=local"
    echo "supervisor=$SWAN_BUILD/swan-supervise"
    echo "artefact=$SWAN_BUILD/applications/hello/hello.tar.gz"
    echo "command=bin/hello"
    ;;
count)
    count=0
    for environ in $(grep -lsz "^SWAN_INSTANCE=$3\$" /proc/[0-9]*/environ); do
        grep -qsz "^SWAN_INSTANCE_DIR=$dir/" "$environ" && count=$((count + 1))
    done
    if [ "$count" -eq 0 ] && [ -n "$(find "$dir" -path "*/instances/$3" -prune -print)" ]; then
        count=1
    fi
    echo "$count"
    ;;
down)
    find "$dir" -path '*/instances/*/status' | while read -r status; do
        pid=$(sed -n 's/^supervisor=//p' "$status")
        if tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null | grep -q swan-supervise; then
            kill "$pid"
            while kill -0 "$pid" 2>/dev/null; do sleep 0.05; done
        fi
    done
    ;;
*)
    echo "usage: $0 up|count|down DIR [NAME]" >&2
    exit 2
    ;;
esac
