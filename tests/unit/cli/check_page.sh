#!/bin/sh
# check_page.sh SWAN PAGE - the reference page is what the program prints.
if "$1" help --markdown --lang en | diff -u "$2" -; then
    exit 0
fi
echo "out of date: build/swan help --markdown --lang en >docs/en/cli.md" >&2
exit 1
