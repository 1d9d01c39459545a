#!/bin/sh
# host-ssh.sh up|count|down DIR [NAME]: this machine through an sshd of its own, all below DIR.
set -u
here=$(dirname "$0")
verb=$1 dir=$2
case $verb in
up)
    if ! command -v sshd >/dev/null && [ ! -x /usr/sbin/sshd ]; then
        echo "SKIP: sshd is not installed"
        exit 77
    fi
    mkdir -p "$dir/sshd"
    "$here/sshd.sh" up "$dir/sshd" || exit 1
    "$here/host-local.sh" up "$dir" | grep -v '^endpoint='
    printf 'endpoint=ssh://%s@127.0.0.1:%s?key=%s&known_hosts=%s&base=%s\n' "$(id -un)" \
        "$(cat "$dir/sshd/port")" "$dir/sshd/key" "$dir/sshd/known_hosts" "$dir/remote"
    ;;
count)
    "$here/host-local.sh" count "$dir" "$3"
    ;;
down)
    "$here/host-local.sh" down "$dir"
    [ ! -d "$dir/sshd" ] || "$here/sshd.sh" down "$dir/sshd"
    ;;
*)
    echo "usage: $0 up|count|down DIR [NAME]" >&2
    exit 2
    ;;
esac
