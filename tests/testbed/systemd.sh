#!/bin/sh
# systemd.sh COMMAND…: runs a command on a machine of its own whose pid 1 is systemd, and gives its
# output and exit status.  Exit 77 with a reason where that cannot be.
#
# The machine is this one's file system under an overlay, in namespaces of its own (pid, mount, net,
# uts, ipc, cgroup): nothing that happens there is seen here, and all of it ends with its pid 1.  It
# boots to a target that wants nothing but the command.  Needs root, unshare and the package systemd.
set -u
skip() { echo "SKIP: $*"; exit 77; }

if [ "${1:-}" = --inside ]; then # in the namespaces, building the machine below $2
    top=$2
    set -e
    mount --make-rprivate /
    mount -t tmpfs tmpfs "$top/scratch"
    mkdir "$top/scratch/upper" "$top/scratch/work"
    mount -t overlay overlay -o "lowerdir=/,upperdir=$top/scratch/upper,workdir=$top/scratch/work" \
        "$top/root"
    root=$top/root
    mount -t proc proc "$root/proc"
    mount --rbind /sys "$root/sys"
    mount --rbind /dev "$root/dev"
    # Its own view of the cgroups, whose root is where we were put before.
    umount -R "$root/sys/fs/cgroup"
    mount -t tmpfs tmpfs "$root/sys/fs/cgroup"
    while read -r type options place; do
        mkdir -p "$root$place"
        mount -t "$type" -o "$options" "$type" "$root$place"
    done <"$top/cgroups"
    mount -t tmpfs tmpfs "$root/run"
    mount -t tmpfs tmpfs "$root/tmp"
    # Nothing of the machine's own start: it would change the kernel that we share, and empty /tmp.
    rm -rf "$root"/lib/systemd/system/*.target.wants "$root"/etc/systemd/system/*.wants
    : >"$root/etc/fstab"
    mkdir -p "$root/run/bed" "$root/etc/systemd/system/bed.target.wants"
    mount --bind "$top/share" "$root/run/bed"
    # What is passed in may lie on file systems of their own below /tmp, which tmpfs hides here.
    while read -r path; do
        mkdir -p "$root$path"
        mount --rbind "$path" "$root$path"
    done <"$top/binds"
    cat >"$root/etc/systemd/system/bed.target" <<END
[Unit]
DefaultDependencies=no
END
    cat >"$root/etc/systemd/system/bed.service" <<END
[Unit]
DefaultDependencies=no
[Service]
Type=oneshot
TimeoutStartSec=infinity
ExecStart=/bin/sh /run/bed/command
END
    ln -s ../bed.service "$root/etc/systemd/system/bed.target.wants/"
    ip link set lo up
    exec chroot "$root" env -i container=other PATH="$PATH" /lib/systemd/systemd --system \
        --unit=bed.target --log-target=null --show-status=0
fi

[ $# -gt 0 ] || { echo "usage: $0 COMMAND…" >&2; exit 2; }
[ "$(id -u)" -eq 0 ] || skip "a systemd of its own needs root"
[ -x /lib/systemd/systemd ] || skip "systemd is not installed"
top=$(mktemp -d "${TMPDIR:-/tmp}/swan-systemd.XXXXXX")
trap 'rm -rf "$top"' EXIT
mkdir "$top/scratch" "$top/root" "$top/share"
: >"$top/binds"
for path in "${SWAN_BUILD:-}" "$(dirname "$(readlink -f "$0")")"; do
    case $path in /tmp/*) echo "$path" >>"$top/binds" ;; esac
done
quote() { printf "'%s' " "$(printf %s "$1" | sed "s/'/'\\\\''/g")"; }
{
    echo 'exec >/run/bed/output 2>&1'
    echo "export SWAN_BUILD=$(quote "${SWAN_BUILD:-}")"
    echo "cd $(quote "$PWD") || cd /"
    for word in "$@"; do quote "$word"; done
    echo
    echo 'echo $? >/run/bed/status'
    echo 'systemctl poweroff --force --force'
} >"$top/share/command"
# Cgroups of its own: systemd makes many, and they would stay.
bed=swan-bed.$$
cgroup_places() { # TYPE PLACE OPTIONS of each mounted hierarchy
    awk '$3 ~ /^cgroup2?$/ && $2 ~ /^\/sys\/fs\/cgroup/ { print $3, $2, $4 }' /proc/self/mounts
}
remove_cgroups() {
    cgroup_places | while read -r type place options; do
        [ ! -d "$place/$bed" ] || find "$place/$bed" -depth -type d -exec rmdir {} +
    done
}
trap 'remove_cgroups; rm -rf "$top"' EXIT
cgroup_places | while read -r type place options; do
    mkdir "$place/$bed" || exit 1
    for file in cpuset.cpus cpuset.mems; do # version 1 takes nobody in before they are set
        [ "$type" = cgroup2 ] || [ ! -f "$place/$file" ] || cat "$place/$file" >"$place/$bed/$file"
    done
    # Flags of the mount aside, what is left names the controllers.
    options=$(echo "$options" | tr , '\n' |
        grep -Ev '^(rw|ro|nosuid|nodev|noexec|(no|rel)atime|seclabel|nsdelegate|memory_.*|xattr|release_agent=.*)$' |
        paste -sd , -)
    echo "$type ${options:-rw} $place"
done >"$top/cgroups" || skip "no cgroup of its own can be made"
(
    pid=$(exec sh -c 'echo $PPID')
    cgroup_places | while read -r type place options; do
        echo "$pid" >"$place/$bed/cgroup.procs" || exit 1
    done || exit 1
    exec unshare -p -f -m -u -i -n -C "$0" --inside "$top"
) >"$top/boot" 2>&1
if [ ! -f "$top/share/status" ]; then
    cat "$top/share/output" 2>/dev/null
    skip "systemd does not start here: $(tail -n 1 "$top/boot")"
fi
cat "$top/share/output"
exit "$(cat "$top/share/status")"
