#!/bin/sh
# rootfs.sh DIR: writes DIR/hello.tar.gz, the root file system of a small web server (busybox from
# the package busybox-static), and prints the lines that describe it to a test.
set -eu
busybox=$(command -v busybox) || { echo "SKIP: busybox-static is not installed"; exit 77; }
tree=$1/hello
mkdir -p "$tree/bin" "$tree/www" "$tree/tmp"
cp "$busybox" "$tree/bin/busybox"
echo "hello from swan" >"$tree/www/index.html"
# As process 1 busybox httpd would not hear SIGTERM: a shell that does stands before it.
cat >"$tree/serve.sh" <<'SERVE'
trap 'exit 0' TERM
/bin/busybox httpd -f -p "$PORT" -h /www &
wait
SERVE
tar -C "$tree" --owner=0 --group=0 -czf "$1/hello.tar.gz" .
rm -rf "$tree"
echo "artefact=$1/hello.tar.gz"
echo "command=/bin/busybox sh /serve.sh"
