#!/bin/sh
# sshd.sh - a real sshd with keys and a configuration of its own on a free loopback port.
#
#     sshd.sh up DIR     makes DIR/{config,host_key,key,key.pub,known_hosts,port,pid}, waits till it answers
#     sshd.sh down DIR   ends it by its id; DIR stays
# It lets the calling user in by DIR/key.  As root it needs /run/sshd, which it makes.
set -eu
[ $# -eq 2 ] || { echo "usage: sshd.sh up|down DIR" >&2; exit 2; }
verb=$1 dir=$(cd "$2" && pwd)
sshd=$(command -v sshd || echo /usr/sbin/sshd)

listening() { # the port, as ss would say: no tool needed
    grep -qi "0100007F:$(printf %04X "$1") 00000000:0000 0A" /proc/net/tcp
}

case $verb in
up)
    [ "$(id -u)" -ne 0 ] || mkdir -p /run/sshd
    [ -f "$dir/host_key" ] || ssh-keygen -q -t ed25519 -N '' -f "$dir/host_key"
    [ -f "$dir/key" ] || ssh-keygen -q -t ed25519 -N '' -f "$dir/key"
    cp "$dir/key.pub" "$dir/authorized_keys"
    tries=0
    while [ "$tries" -lt 20 ]; do
        tries=$((tries + 1))
        port=$((20000 + $(od -An -N2 -tu2 /dev/urandom) % 12000))
        listening "$port" && continue
        cat >"$dir/config" <<END
Port $port
ListenAddress 127.0.0.1
HostKey $dir/host_key
AuthorizedKeysFile $dir/authorized_keys
PidFile $dir/pid
PermitRootLogin yes
PasswordAuthentication no
KbdInteractiveAuthentication no
UsePAM no
StrictModes no
UseDNS no
Subsystem sftp internal-sftp
END
        rm -f "$dir/pid"
        "$sshd" -f "$dir/config" -E "$dir/log"
        waited=0
        while [ "$waited" -lt 100 ]; do
            if [ -s "$dir/pid" ] && listening "$port"; then
                printf '[127.0.0.1]:%s %s\n' "$port" "$(cut -d' ' -f1,2 "$dir/host_key.pub")" \
                    >"$dir/known_hosts"
                echo "$port" >"$dir/port"
                exit 0
            fi
            grep -q 'Address already in use' "$dir/log" 2>/dev/null && break
            waited=$((waited + 1))
            sleep 0.05
        done
        : >"$dir/log"
    done
    echo "sshd does not start" >&2
    exit 1
    ;;
down)
    [ -s "$dir/pid" ] || exit 0
    pid=$(cat "$dir/pid")
    kill "$pid" 2>/dev/null || exit 0
    waited=0
    while kill -0 "$pid" 2>/dev/null && [ "$waited" -lt 100 ]; do
        waited=$((waited + 1))
        sleep 0.05
    done
    ;;
*)
    echo "usage: sshd.sh up|down DIR" >&2
    exit 2
    ;;
esac
