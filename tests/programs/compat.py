#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""compat.py: tcpd-compat(7), what was tried with which programs.

    compat.py check SRCDIR     the page is what the files say
    compat.py write SRCDIR     writes it

The page has no results of a run: each file of tests/programs says in its head
what passes (and "open:" what does not), and `make check-programs` fails where
that is not so.  Beside the programs it lists what is known to differ:
tests/shim/differences and tests/programs/python.differences.
"""

import os
import re
import sys
import textwrap

PAGE = 'man/tcpd-compat.7'
HEAD = re.compile(r'^# ([A-Za-z]+[^\n:]*): (.*)$')


def read(src, name):
    try:
        with open(os.path.join(src, name), encoding='utf-8') as f:
            return f.read()
    except OSError:
        return ''


def filled(text):
    """Lines of a page: none is a request, none too long."""
    text = re.sub(r'\s+', ' ', text.replace('\\', '\\e'))
    lines = textwrap.wrap(text, 76, break_long_words=False,
                          break_on_hyphens=False)
    return ['\\&' + x if x[0] in ".'" else x for x in lines]


def sentences(text):
    """Each begins a line, as mdoc(7) wants it."""
    return [line for s in re.split(r'(?<=[a-zA-Z0-9)]{2}[.:]) (?=[A-Z])', text)
            for line in filled(s)]


def head_of(src, name):
    """(title, what, packages, [open])"""
    lines = read(src, name).split('\n')[2:]
    title = what = packages = ''
    opens = []
    for line in lines:
        m = HEAD.match(line)
        if not m:
            break
        if m.group(1) == 'packages':
            packages = m.group(2)
        elif m.group(1) == 'open':
            opens.append(m.group(2))
        else:
            title, what = m.groups()
    if not title or not packages:
        sys.exit(f'compat.py: {name} lacks its head')
    return title, what, packages, opens


def programs(src):
    out = []
    folder = os.path.join(src, 'tests/programs')
    for name in sorted(os.listdir(folder)):
        if not name.endswith('.t'):
            continue
        title, what, packages, opens = head_of(src, 'tests/programs/' + name)
        out += [f'.It Sy {title}', *sentences(what[0].upper() + what[1:])]
        for o in opens:
            out += ['.br', *filled('Open: ' + o)]
        out += ['.br', *filled(f'Debian: {packages}.')]
    return out


def differences(src, name):
    """Entries of the fields case, what and why, as tests/shim has them."""
    entry, field = {}, ''
    for line in read(src, name).split('\n') + ['']:
        if line.startswith('#'):
            continue
        if not line.strip():
            if entry:
                yield entry
            entry, field = {}, ''
        elif line[0].isspace():
            entry[field] += ' ' + line.strip()
        else:
            field, _, text = line.partition(':')
            entry[field] = text.strip()


def section(src, name):
    out = []
    for e in differences(src, name):
        out += [f'.It {e["case"]}', *sentences(e.get('what', '')),
                *sentences(e.get('why', ''))]
    if not out:
        return ['None.']
    return ['.Bl -tag -width 4n', *out, '.El']


def python(src):
    name = 'tests/programs/python.differences'
    same = ('The network tests of CPython give the same results with and '
            'without tcpd-run')
    if not any(differences(src, name)):
        return filled(same + '.')
    return [*filled(same + ', but for these:'), *section(src, name)]


def page(src):
    out = [read(src, 'tests/programs/page.head').rstrip()]
    out += ['.Sh PROGRAMS', '.Bl -tag -width 4n', *programs(src), '.El',
            '.Sh SOCKET CALLS', *sentences(
                'The suite of tests/shim runs each of its cases on the '
                'kernel and under tcpd-run, and compares all that a '
                'program can see. These cases differ:'),
            *section(src, 'tests/shim/differences'),
            '.Sh PYTHON', *python(src)]
    out.append(read(src, 'tests/programs/page.tail').rstrip())
    return '\n'.join(out) + '\n'


def main(argv):
    if len(argv) != 3 or argv[1] not in ('check', 'write'):
        print(__doc__, file=sys.stderr)
        return 2
    src = os.path.abspath(argv[2])
    text = page(src)
    if text == read(src, PAGE):
        return 0
    if argv[1] == 'check':
        print(f'{PAGE} is not what the files say: make compat')
        return 1
    with open(os.path.join(src, PAGE), 'w', encoding='utf-8') as f:
        f.write(text)
    print(f'{PAGE} is new')
    return 0


if __name__ == '__main__':
    sys.exit(main(sys.argv))
