#!/usr/bin/env python3
"""embed-text.py OUTPUT.c NAME=FILE...

Writes each file as `const char NAME[]` and its length as `const size_t NAME_len`, so that the program
needs no folder of content at run time.  Run by meson; reads nothing else."""
import sys

WIDTH = 16


def main():
    output, pairs = sys.argv[1], [argument.split('=', 1) for argument in sys.argv[2:]]
    lines = ['/* Made by tools/embed-text.py. */', '#include <stddef.h>', '']
    for name, path in pairs:
        data = open(path, 'rb').read()
        lines += ['extern const char %s[];' % name, 'extern const size_t %s_len;' % name,
                  'const char %s[] = {' % name]
        for at in range(0, len(data), WIDTH):
            lines.append('    ' + ' '.join('%d,' % (b if b < 128 else b - 256)
                                           for b in data[at:at + WIDTH]))
        lines += ['    0};', 'const size_t %s_len = %d;' % (name, len(data)), '']
    open(output, 'w', encoding='utf8').write('\n'.join(lines))


main()
