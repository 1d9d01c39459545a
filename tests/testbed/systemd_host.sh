#!/bin/sh
# systemd_host.sh - a real Debian host with systemd as process 1 and sshd, as an LXD container.
#
#     systemd_host.sh image FILE       makes the container's image (needs the network: not isolated)
#     systemd_host.sh up DIR FILE      prints endpoint=ssh://…; DIR is an existing temporary folder
#     systemd_host.sh down DIR
# up and down are run below isolated.sh (network, mounts and processes of its own).  Needs lxd, debootstrap and openssh-client;
# packages come from wherever this machine's apt takes them.  Exit 77 with a reason where it cannot be made.
set -eu
verb=$1 dir=$2
export LXD_DIR="$dir/lxd"
address=10.177.0.2

skip() { echo "SKIP: $*"; exit 77; }

case $verb in
image)
    command -v debootstrap >/dev/null || skip "debootstrap is not installed"
    [ ! -s "$dir" ] || exit 0
    work=$(mktemp -d)
    trap 'rm -rf --one-file-system "$work"' EXIT
    mirror=$(apt-get indextargets --format '$(ORIGIN) $(REPO_URI) $(RELEASE)' 'Created-By: Packages' |
        awk '$1 == "Debian" && $3 ~ /^(bookworm|stable|oldstable)$/ { print $2; exit }')
    debootstrap --variant=minbase --include=systemd-sysv,dbus,openssh-server,iproute2,procps bookworm \
        "$work/rootfs" ${mirror:+"$mirror"} >"$work/log" 2>&1 || skip "debootstrap: $(tail -n 1 "$work/log")"
    cat >"$work/rootfs/etc/systemd/network/eth0.network" <<CONF
[Match]
Name=eth0
[Network]
Address=$address/24
CONF
    mkdir -p "$work/rootfs/etc/systemd/system/multi-user.target.wants"
    ln -sf /lib/systemd/system/systemd-networkd.service \
        "$work/rootfs/etc/systemd/system/multi-user.target.wants/systemd-networkd.service"
    printf 'architecture: %s\ncreation_date: 1\nproperties: {description: debian}\n' "$(uname -m)" \
        >"$work/metadata.yaml"
    mkdir -p "$(dirname "$dir")"
    tar -C "$work" --numeric-owner -czf "$dir" metadata.yaml rootfs
    ;;
up)
    image=$3
    for tool in lxd lxc ssh-keygen; do
        command -v $tool >/dev/null || skip "$tool is not installed"
    done
    mkdir -p "$LXD_DIR"
    ssh-keygen -q -t ed25519 -N '' -f "$dir/key"
    lxd --group root >"$dir/lxd.log" 2>&1 </dev/null &
    lxd waitready --timeout=60 || skip "lxd: $(tail -n 1 "$dir/lxd.log")"
    lxc storage create default dir >/dev/null
    lxc network create swanbr0 ipv4.address=10.177.0.1/24 ipv4.nat=false ipv6.address=none >/dev/null ||
        skip "no bridge can be made"
    lxc profile device add default root disk path=/ pool=default >/dev/null
    lxc profile device add default eth0 nic network=swanbr0 name=eth0 >/dev/null
    lxc image import "$image" --alias debian >/dev/null
    lxc launch debian host1 -c security.privileged=true -c security.nesting=true >/dev/null ||
        skip "the container does not start: $(lxc info host1 --show-log 2>&1 | tail -n 1)"
    lxc file push --create-dirs --mode=0600 "$dir/key.pub" host1/root/.ssh/authorized_keys >/dev/null
    tries=0
    until ssh-keyscan -T 2 -t ed25519 $address >"$dir/known_hosts" 2>/dev/null && [ -s "$dir/known_hosts" ]; do
        tries=$((tries + 1))
        [ $tries -lt 60 ] || skip "the container's sshd does not answer"
        sleep 0.5
    done
    echo "endpoint=ssh://root@$address:22?key=$dir/key&known_hosts=$dir/known_hosts"
    echo "address=$address"
    ;;
down)
    lxc delete --force host1 >/dev/null 2>&1 || :
    lxc network delete swanbr0 >/dev/null 2>&1 || :
    lxd shutdown --timeout 20 >/dev/null 2>&1 || :
    ;;
esac
