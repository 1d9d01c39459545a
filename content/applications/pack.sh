#!/bin/sh
# pack.sh FOLDER ARCHIVE PROGRAM APP.YAML STAMP - FOLDER gets app.yaml and ARCHIVE with bin/hello.
# The same program gives the same bytes, so the artefact's digest tells only what changed.
set -eu
folder=$1 archive=$2 program=$3 manifest=$4 stamp=$5
mkdir -p "$folder"
work=$(mktemp -d "$folder/.pack.XXXXXX")
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/root/bin"
cp "$program" "$work/root/bin/hello"
chmod 755 "$work/root" "$work/root/bin" "$work/root/bin/hello"
tar -C "$work/root" --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner -cf "$work/tar" .
gzip -n -9 <"$work/tar" >"$work/$archive"
cp "$manifest" "$work/app.yaml"
chmod 644 "$work/$archive" "$work/app.yaml"
mv "$work/$archive" "$work/app.yaml" "$folder/"
: >"$stamp"
