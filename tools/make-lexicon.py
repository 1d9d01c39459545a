#!/usr/bin/env python3
"""make-lexicon.py OUTPUT.c FILE.tsv...

Compiles the lexicons of the intent reader into C tables: a byte trie over normalised surfaces, the
senses of each surface, and the table of variant characters.  Run by meson; reads nothing else."""
import os
import sys
import unicodedata

CODES = {  # class -> prefix of the C constant that the value names; None: the value is text
    'place': None, 'number': None, 'scale': None, 'speed': None, 'unit': 'UNIT_', 'machine': None,
    'delivery': 'FORM_', 'app': None, 'role': None, 'accel': None, 'accelkind': 'ACCELERATOR_',
    'arch': 'ARCH_', 'tier': 'TIER_', 'cloud': None, 'access': None, 'label': 'LABEL_',
    'mark': 'MARK_', 'mode': 'MODE_', 'objective': 'OBJECTIVE_', 'stop': None, 'func': None,
    'user': None, 'here': None, 'mul': None, 'span': 'SPAN_', 'moment': 'MOMENT_',
}
NUMERIC = {'number', 'scale', 'speed'}
KEYS = {'level', 'province', 'kind', 'vram', 'scenario', 'rank', 'factor', 'number'}


def fail(path, line, text):
    sys.exit('%s:%d: %s' % (path, line, text))


def is_cjk(c):
    return ord(c) >= 0x2e80


def normalise(s):
    """as normalise.c does: compatibility forms, lower case, no blank beside a CJK character"""
    s = ' '.join(unicodedata.normalize('NFKC', s).lower().split())
    out = []
    for i, c in enumerate(s):
        if c == ' ' and (is_cjk(s[i - 1]) or is_cjk(s[i + 1])):
            continue
        out.append(c)
    return ''.join(out)


def quote(s):
    return '"' + s.replace('\\', '\\\\').replace('"', '\\"') + '"' if s else 'NULL'


def read(paths):
    surfaces, variants = {}, {}
    for path in paths:
        plain = os.path.basename(path) == 'characters.tsv'
        for number, line in enumerate(open(path, encoding='utf8'), 1):
            line = line.rstrip('\n')
            if not line or line.startswith('#'):
                continue
            if plain:
                if len(line) % 2:
                    fail(path, number, 'variant characters stand in pairs')
                for i in range(0, len(line), 2):
                    if line[i] != line[i + 1]:
                        variants[ord(line[i])] = ord(line[i + 1])
                continue
            fields = line.split('\t') + [''] * 4
            names, cls, value, attributes = fields[:4]
            if cls not in CODES:
                fail(path, number, 'unknown class "%s"' % cls)
            attr = dict(a.split('=', 1) for a in attributes.split(';') if a)
            if set(attr) - KEYS:
                fail(path, number, 'unknown attribute %s' % sorted(set(attr) - KEYS))
            if CODES[cls]:
                code = CODES[cls] + value.upper().replace('-', '_')
            elif cls == 'accel':
                code = 'ACCELERATOR_' + attr['kind'].upper()
            elif cls == 'place':
                code = 'LEVEL_' + attr['level'].upper()
            else:
                code = '0'
            num = value if cls in NUMERIC else attr.get('number') or attr.get('factor') or '0'
            sense = '{CLASS_%s, %s, %s, %s, %s, %s, %s}' % (
                cls.upper(), code, attr.get('rank', '0'), num, quote(value),
                quote(attr.get('scenario', '')), quote(attr.get('vram') or attr.get('province', '')))
            for name in names.split('|'):
                key = normalise(name)
                if not key:
                    fail(path, number, 'an empty surface')
                senses = surfaces.setdefault(key, [])
                if sense not in senses and not any(s.split(',')[0] == sense.split(',')[0] and
                                                   cls in ('app', 'place', 'unit') for s in senses):
                    senses.append(sense)
    machines = [k for k, senses in surfaces.items() if len(k) > 1 and
                any(s.startswith('{CLASS_MACHINE, 0, 0, 0, "server"') for s in senses)]
    tails = {k: next(s for s in surfaces[k] if s.startswith('{CLASS_MACHINE')) for k in machines}
    for key, senses in surfaces.items():  # an application that ends in a machine word is one too
        classes = {s.split(',')[0] for s in senses}
        if classes & {'{CLASS_APP', '{CLASS_ROLE'} and not classes & {'{CLASS_MACHINE', '{CLASS_DELIVERY'}:
            for n in range(1, len(key)):
                tail = key[n:].lstrip()
                if tail in tails and (is_cjk(tail[0]) or key[n] == ' '):
                    senses.append(tails[tail])
                    break
    for key in surfaces:  # a plural that is a word of its own keeps what its singular says
        single = key[:-1]
        if key.endswith('s') and len(single) > 2 and key.isascii() and single in surfaces:
            have = {s.split(',')[0] for s in surfaces[key]}
            surfaces[key] += [s for s in surfaces[single] if s.split(',')[0] not in have]
    return surfaces, variants


def main():
    out, paths = sys.argv[1], sys.argv[2:]
    surfaces, variants = read(paths)
    senses, where = [], {}
    for key in sorted(surfaces):
        group = tuple(surfaces[key])
        if group not in where:
            where[group] = len(senses)
            senses.extend(group)
    nodes = [[{}, None]]
    for key in sorted(surfaces):
        at = 0
        for byte in key.encode():
            if byte not in nodes[at][0]:
                nodes.append([{}, None])
                nodes[at][0][byte] = len(nodes) - 1
            at = nodes[at][0][byte]
        nodes[at][1] = tuple(surfaces[key])
    edges = []
    with open(out, 'w', encoding='utf8') as f:
        f.write('/* Made by tools/make-lexicon.py from content/lexicon. */\n')
        f.write('#include "intelligent/intent/lexicon.h"\n\n')
        f.write('const struct intent_sense intent_senses[] = {\n')
        for s in senses:
            f.write('    %s,\n' % s)
        f.write('};\n\nconst struct intent_node intent_nodes[] = {\n')
        for children, group in nodes:
            f.write('    {%d, %d, %d, %d},\n' % (len(edges), where[group] if group else 0,
                                                 len(children), len(group) if group else 0))
            edges.extend(sorted(children.items()))
        f.write('};\n\nconst struct intent_edge intent_edges[] = {\n')
        for byte, target in edges:
            f.write('    {%d, %d},\n' % (byte, target))
        f.write('};\n\nconst struct intent_variant intent_variants[] = {\n')
        for a in sorted(variants):
            f.write('    {%#x, %#x},\n' % (a, variants[a]))
        f.write('};\nconst size_t intent_variant_count = %d;\n' % len(variants))


if __name__ == '__main__':
    main()
