#!/bin/sh
# simulator.sh up|count|down DIR [NAME]: nothing to start; things are counted as files.
set -u
case $1 in
up)
    echo "something" >"$2/artefact"
    echo "artefact=$2/artefact"
    # Some latency, so that calls meet half made things of each other.
    echo "endpoint=simulator:conformance?seed=7&latency_ms=40&vcpus=64&memory_gib=256&disk_gib=1000"
    ;;
count)
    find "$2/state/simulator" -name "$3.json" 2>/dev/null | wc -l
    ;;
down)
    ;;
*)
    echo "usage: $0 up|count|down DIR [NAME]" >&2
    exit 2
    ;;
esac
