#!/bin/sh
# check_chinese.sh SWAN - Chinese is spoken where no locale but C.UTF-8 is installed, and by each of
# the ways to ask for it; English else.
set -eu
unset LANGUAGE LC_ALL LC_MESSAGES SWAN_LANG
is() { # WANTED COMMAND…
    wanted=$1
    shift
    "$@" 2>&1 | grep -q "$wanted" || { echo "no '$wanted': $*" >&2; exit 1; }
}
is 退出码 env LANG=zh_CN.UTF-8 "$1" --help
is 退出码 env LANG=C SWAN_LANG=zh "$1" --help
is 退出码 env LANG=en_US.UTF-8 "$1" --lang zh --help
is 退出码 env LC_ALL=zh_CN "$1" --help
is 'Exit codes' env LANG=en_US.UTF-8 "$1" --help
is 'Exit codes' env LANG=zh_CN.UTF-8 "$1" --lang=en --help
is 'Exit codes' env LC_ALL=C LANG=zh_CN.UTF-8 LANGUAGE=zh "$1" --help
is 没有“lunch”这个命令 env LANG=zh_CN.UTF-8 "$1" lunch
# what refuses input: the place, then what is wrong there
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
is '没有这个文件或文件夹' "$1" lean schedule --lang zh --psplib "$folder/none.sm"
: >"$folder/empty.sm"
is 'empty.sm：第 1 行：文件在' "$1" lean schedule --lang zh --psplib "$folder/empty.sm"
printf 'sites:\n- {idd: a}\n' >"$folder/network.yaml"
is '可用的键：id, name' "$1" solution design --lang zh --network "$folder/network.yaml" --requirement x
