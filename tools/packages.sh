# packages.sh - what is needed from the distribution.  Sourced by ./run and ./test (plain sh).

BUILD_PACKAGES="gcc libc6-dev make meson ninja-build pkg-config gettext libjansson-dev libyaml-dev
libsodium-dev libsqlite3-dev libpq-dev libmicrohttpd-dev libcurl4-openssl-dev libssh-dev
libarchive-dev libxml2-dev poppler-utils"

TEST_PACKAGES="clang clang-format libclang-rt-14-dev libcmocka-dev postgresql openssh-client openssh-server
openssl procps iproute2 iptables podman runc conmon netavark aardvark-dns busybox-static docker.io
bash zsh curl git jq tar gzip"

# missing_packages LIST: those that are not installed
missing_packages() {
    for package in $1; do
        dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' ||
            printf '%s ' "$package"
    done
}

# install_packages LIST: prints what is missing and installs it; no prompt
install_packages() {
    if ! command -v dpkg-query >/dev/null 2>&1; then
        echo "swan: this is no Debian: install what corresponds to these packages yourself:" >&2
        echo "$1" >&2
        return 0
    fi
    missing=$(missing_packages "$1")
    [ -n "$missing" ] || return 0
    echo "swan: these packages are missing and will be installed: $missing"
    if [ "$(id -u)" = 0 ]; then
        as_root=
    elif command -v sudo >/dev/null 2>&1; then
        as_root=sudo
    else
        echo "swan: root is needed for that: install them yourself, or run this as root" >&2
        return 1
    fi
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get update -q >/dev/null || return 1
    # shellcheck disable=SC2086  # a list of words is meant
    $as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -q --no-install-recommends $missing >/tmp/swan-packages.log 2>&1 || {
        tail -n 20 /tmp/swan-packages.log >&2
        return 1
    }
}
