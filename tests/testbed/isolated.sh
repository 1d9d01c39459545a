#!/bin/sh
# isolated.sh CMD…: runs CMD in a network namespace with nothing but loopback, in a private mount
# namespace and in a process namespace, so that engines started below it touch no bridge, firewall
# rule or mount of the machine, and nothing outlives CMD, however it ends.  Where cgroups are hybrid
# (v1 controllers and an extra v2 mount) the v2 mount is hidden, because container runtimes mistake
# it for a unified machine.  Exit 77 with a reason where namespaces cannot be made.
set -u
if ! unshare --net --mount --pid --fork true 2>/dev/null; then
    echo "SKIP: cannot make network, mount and process namespaces here (needs root)"
    exit 77
fi
# The inner shell stays as process 1 to reap what is orphaned.
exec unshare --net --mount --pid --fork --kill-child --mount-proc sh -c '
set -e
mount --make-rprivate /
if [ -d /sys/fs/cgroup/unified ]; then
    mount -t tmpfs tmpfs /mnt
    mkdir /mnt/cgroup
    mount --rbind /sys/fs/cgroup /mnt/cgroup
    umount /mnt/cgroup/unified 2>/dev/null || :
    mount -t sysfs sysfs /sys
    mount --rbind /mnt/cgroup /sys/fs/cgroup
    umount -R /mnt
elif [ -f /sys/fs/cgroup/cgroup.controllers ]; then
    mount -t sysfs sysfs /sys
    mount -t cgroup2 cgroup2 /sys/fs/cgroup
fi
ip link set lo up
set +e
"$@"
exit $?' isolated "$@"
