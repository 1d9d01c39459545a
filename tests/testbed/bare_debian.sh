#!/bin/sh
# bare_debian.sh - do README's two commands work on a Debian 12 on which nothing was installed?
#
#     bare_debian.sh [--full] [--keep] [--no-test]
# Makes a minimal tree with debootstrap in a temporary folder, puts the last commit of this checkout
# into it, and from inside runs ./run, asks its URLs with bash alone, ./run status, ./run stop, and
# `./test style unit` (--full: ./test, every suite).  --keep leaves the tree.  Needs root and debootstrap; packages
# come from wherever this machine's apt takes them.
#
# Everything in the tree runs in a process namespace of its own, with the tree as its root and all
# mounts in a private mount namespace: when the namespace's first process ends, the kernel ends the
# rest and no mount is left to take away.
set -eu
umask 022

say() { echo "== $*"; }

# ---- inside the tree ----

# fetch URL: the answer of an HTTP server, by bash, since there is nothing else
fetch() {
    bash -c '
        rest=${1#http://}; host=${rest%%/*}; path=/${rest#"$host"}; path=${path//\/\//\/}
        exec 3<>"/dev/tcp/${host%:*}/${host##*:}" || exit 1
        printf "GET %s HTTP/1.0\r\nHost: %s\r\n\r\n" "$path" "$host" >&3
        timeout 10 cat <&3' fetch "$1"
}

seconds() { cut -d. -f1 /proc/uptime; }

# step NAME COMMAND...: runs it, tells how long it took and its last words
step() {
    name=$1
    shift
    began=$(seconds)
    say "$name"
    code=0
    "$@" </dev/null >/tmp/step.log 2>&1 || code=$?
    tail -n "${lines:-40}" /tmp/step.log
    say "$name: exit $code after $(($(seconds) - began)) s"
    return $code
}

inside() {
    cd /swan
    export SWAN_PORT="$1"
    say "a bare $(. /etc/os-release && echo "$PRETTY_NAME"), $(dpkg-query -W | wc -l) packages," \
        "locale ${LANG:-none}, HOME ${HOME:-not set}"
    for tool in make gcc python3 curl wget sudo git; do
        ! command -v $tool >/dev/null || say "$tool is here already"
    done
    step "./run" ./run
    cp /tmp/step.log /tmp/run.log
    # What it printed: the server's own URL, then those of the service's instances.
    answered=0
    for url in $(grep -o 'http://[0-9.]*:[0-9]*[^ ,;)"]*' /tmp/run.log | sort -u); do
        case $url in *:$SWAN_PORT*) url=http://127.0.0.1:$SWAN_PORT/readyz ;; esac
        fetch "$url" >/tmp/answer || { say "FAILED: $url does not answer"; return 1; }
        say "$url: $(head -n 1 /tmp/answer | tr -d '\r') $(tail -n 1 /tmp/answer | cut -c 1-60)"
        head -n 1 /tmp/answer | grep -q ' 200 ' || return 1
        answered=$((answered + 1))
    done
    [ $answered -ge 3 ] || { say "FAILED: $answered URLs, not the server's and two more"; return 1; }
    step "./run status" ./run status
    step "./run again" ./run
    # What was opened is taken away, so that nothing of it is left on the machine (cgroups).
    for id in $(build/swan deployment list -o json | grep -o 'dep-[0-9a-z]*' | sort -u); do
        step "swan deployment delete $id" build/swan deployment delete "$id" --yes
    done
    step "./run stop" ./run stop
    [ "$2" = none ] || {
        if [ "$2" = full ]; then set --; else set -- style unit; fi
        lines=12 step "./test $*" ./test "$@"
    }
    say "all of it works"
}

# The first process of the namespace: the tree becomes the root.
enter() {
    tree=$1 port=$2 what=$3
    mount --make-rprivate /
    mount --bind "$tree" "$tree"
    mount --rbind /dev "$tree/dev"
    mount --rbind /sys "$tree/sys"
    mount -t proc proc "$tree/proc"
    mkdir "$tree/.old"
    cd "$tree"
    pivot_root . .old
    exec env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root TERM=dumb \
        ${http_proxy:+http_proxy="$http_proxy"} ${https_proxy:+https_proxy="$https_proxy"} \
        /bin/sh -c '
            umount -l /.old && rmdir /.old
            sh /root/bare_debian.sh --inside "$1" "$2"
            exit $?' init "$port" "$what"
}

case ${1:-} in
--inside) inside "$2" "$3"; exit ;;
--enter) enter "$2" "$3" "$4" ;;
esac

# ---- outside ----

what=some keep=
for option in "$@"; do
    case $option in
    --full) what=full ;;
    --no-test) what=none ;;
    --keep) keep=yes ;;
    *) sed -n '2,13s/^# \{0,1\}//p' "$0"; exit 2 ;;
    esac
done
checkout=$(cd "$(dirname "$0")/../.." && pwd)
[ "$(id -u)" = 0 ] || { echo "bare_debian: needs root" >&2; exit 77; }
for tool in debootstrap unshare pivot_root git; do
    command -v $tool >/dev/null || { echo "bare_debian: needs $tool" >&2; exit 77; }
done

free_port() { # one on which nobody listens here (the tree has the machine's network)
    port=$((18000 + $$ % 10000))
    while grep -qi ":$(printf %04x $port) 00000000:0000 0A" /proc/net/tcp /proc/net/tcp6; do
        port=$((port + 1))
    done
    echo $port
}

work=$(mktemp -d "${TMPDIR:-/tmp}/swan-bare.XXXXXX")
tree=$work/tree
namespace=
finish() {
    [ -z "$namespace" ] || kill -KILL "$namespace" 2>/dev/null || :
    if [ -n "$keep" ]; then
        say "kept: $tree"
    else
        rm -rf --one-file-system "$work"
    fi
}
trap finish EXIT
trap 'exit 1' INT TERM HUP

# "URI suite component" of each source of this machine that is Debian's.
apt-get indextargets --format '$(ORIGIN) $(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' |
    sed -n 's/^Debian //p' | sort -u >"$work/sources"
mirror=$(awk '$2 ~ /^(bookworm|stable|oldstable)$/ { print $1; exit }' "$work/sources")

say "debootstrap --variant=minbase bookworm"
began=$(seconds)
# Without a mirror found debootstrap takes its own default.
debootstrap --variant=minbase bookworm "$tree" ${mirror:+"$mirror"} >"$work/debootstrap.log" 2>&1 || {
    tail -n 20 "$work/debootstrap.log" >&2
    exit 1
}
say "debootstrap: $(($(seconds) - began)) s, $(du -sm "$tree" | cut -f1) MB"
if [ -s "$work/sources" ]; then
    sed 's/^/deb /' "$work/sources" >"$tree/etc/apt/sources.list"
fi
# How packages are fetched here (proxies and the like).
for file in $(grep -ls '^[^/#]*Acquire' /etc/apt/apt.conf /etc/apt/apt.conf.d/*); do
    cp "$file" "$tree/etc/apt/apt.conf.d/"
done
cp /etc/resolv.conf /etc/hosts "$tree/etc/"
cp "$0" "$tree/root/bare_debian.sh"
mkdir "$tree/swan"
git -C "$checkout" archive HEAD | tar -x -C "$tree/swan"
say "$(git -C "$checkout" log -1 --format='%h %s')"

code=0
unshare --mount --pid --fork --kill-child sh "$0" --enter "$tree" "$(free_port)" "$what" &
namespace=$!
wait "$namespace" || code=$?
namespace=
exit $code
