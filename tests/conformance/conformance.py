#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""conformance.py: RFC 9293's requirements against tests and sources.

    conformance.py check SRCDIR          tags, sources and the page agree
    conformance.py run SRCDIR BUILDDIR   runs what is tagged, writes the table
                                         and the page

rfc9293.tsv has the requirements.  A test is tagged by naming them where a run
shows them again: a Criterion test in its .description, a TAP script at the
beginning of a result's.  So a tag belongs to a test that a program contains,
and "run" believes only the tags that the run's own output brought back.

A source is tagged by any comment that names a requirement.  There, too, stands
what is not done, the requirement right behind the word, then the reason:

    DEVIATION: SHLD-26: ...   a requirement that is not followed
    DECLINED: MAY-14: ...     an option that the RFC gives, and is not taken

Every requirement needs a test or one of these; each needs its place in the
source; at most DEVIATIONS_MAX deviate; only what the RFC leaves open can be
declined.

The page does not name lines, which move with each commit, but functions; the
table does (conformance.tsv in BUILDDIR).  "check" generates the page as a run
would in which all tests pass, and wants it to be the one that is committed:
whether they do is what the rest of `make check` finds out.
"""

import os
import re
import subprocess
import sys
import textwrap

DEVIATIONS_MAX = 5
PAGE = 'man/tcpd-conformance.7'
REQUIREMENTS = 'tests/conformance/rfc9293.tsv'
SECTIONS = (('REQUIRED (MUST)', ('MUST',)),
            ('RECOMMENDED (SHOULD)', ('SHLD', 'REC')),
            ('OPTIONAL (MAY)', ('MAY',)))
SAID = {'deviates': 'deviate', 'FAIL': 'fail'}
KINDS = ('MUST', 'SHLD', 'MAY', 'REC')
ID = r'(?:MUST|SHLD|MAY|REC)-[0-9]+'
RANGE = re.compile(rf'({ID})(?:\s+to\s+({ID}))?')
NOT_DONE = re.compile(
    rf'(DEVIATION|DECLINED):\s+({ID}(?:(?:,| and| to)\s+{ID})*)(:?)\s*(.*)',
    re.S)
CRITERION = re.compile(
    r'^Test\(\s*(\w+),\s*(\w+)([^{}]*?)\)\n\{', re.M)
DESCRIPTION = re.compile(r'\.description\s*=\s*"([^"]*)"')
RESULT = re.compile(r'^(not )?ok\b[^\n]*', re.M)


def number(i):
    kind, n = i.split('-')
    return KINDS.index(kind), int(n)


def ids_in(text):
    """The requirements that a text names, "A to B" being all between."""
    found = []
    for first, last in RANGE.findall(text):
        kind, a = first.split('-')
        b = last.split('-')[1] if last.startswith(kind + '-') else a
        found += [f'{kind}-{n}' for n in range(int(a), int(b) + 1)]
        if last and not last.startswith(kind + '-'):
            found.append(last)
    return found


def read(src, name):
    with open(os.path.join(src, name), encoding='utf-8') as f:
        return f.read()


def files(src, folders, endings):
    for folder in folders:
        for where, folders_in, names in os.walk(os.path.join(src, folder)):
            folders_in.sort()
            for name in sorted(names):
                if name.endswith(endings):
                    yield os.path.relpath(os.path.join(where, name), src)


class Matrix:
    def __init__(self, src):
        self.src = src
        self.text = {}
        self.tests = {}     # id -> [(program, test)]
        self.places = {}    # id -> [(file, line, function)]
        self.not_done = {}  # id -> (word, reason, file, line)
        self.problems = []
        self.read_requirements()
        self.read_tests()
        self.read_sources()

    def problem(self, what):
        self.problems.append(what)

    def read_requirements(self):
        for line in read(self.src, REQUIREMENTS).splitlines():
            if line.startswith('#'):
                continue
            i, _, what = line.split('\t')
            self.text[i] = what

    def known(self, i, where):
        if i in self.text:
            return True
        self.problem(f'{where}: RFC 9293 has no {i}')
        return False

    # ---- what is tagged ----

    def tag(self, program, test, text, where):
        for i in ids_in(text):
            if self.known(i, where):
                self.tests.setdefault(i, []).append((program, test))

    def read_tests(self):
        programs = programs_of(self.src)
        for name in files(self.src, ['tests'], ('.c',)):
            text = read(self.src, name)
            program = programs.get(name, name[:-2])
            for m in CRITERION.finditer(text):
                d = DESCRIPTION.search(m.group(3))
                if d:
                    line = text.count('\n', 0, m.start()) + 1
                    self.tag(program, f'{m.group(1)}::{m.group(2)}',
                             d.group(1), f'{name}:{line}')
            if len(DESCRIPTION.findall(text)) != sum(
                    bool(DESCRIPTION.search(m.group(3)))
                    for m in CRITERION.finditer(text)):
                self.problem(f'{name}: a .description outside of Test()')
        for name in files(self.src, ['tests'], ('.t',)):
            for n, line in enumerate(read(self.src, name).splitlines(), 1):
                for said in re.findall(rf'"((?:{ID} )+[^"]+)"', line):
                    self.tag(name, said, said, f'{name}:{n}')

    def read_sources(self):
        for name in files(self.src, ['daemon', 'libclient', 'include'],
                          ('.c', '.h', '.def')):
            text = read(self.src, name)
            for m in re.finditer(r'/\*.*?\*/', text, re.S):
                self.read_comment(name, text, m)

    def read_comment(self, name, text, m):
        line = text.count('\n', 0, m.start()) + 1
        said = re.sub(r'\n\s*\*', '\n', m.group(0)[2:-2])
        place = (name, line, function_at(text, m.start(), m.end()))
        for i in ids_in(said):
            places = self.places.setdefault(i, [])
            if self.known(i, f'{name}:{line}') and place not in places:
                places.append(place)
        for part in re.split(r'\n\s*\n|(?=DEVIATION:|DECLINED:)', said):
            n = NOT_DONE.match(part.strip())
            if n:
                self.read_not_done(n, name, line)

    def read_not_done(self, m, name, line):
        word, which, colon, reason = m.groups()
        reason = ' '.join(reason.split())
        where = f'{name}:{line}'
        if not colon or len(reason) < 20:
            self.problem(f'{where}: {word} of {which} without its reason')
        for i in ids_in(which):
            if not self.known(i, where):
                continue
            if i in self.not_done:
                self.problem(f'{where}: {i} is given up a second time')
            if word == 'DECLINED' and not i.startswith('MAY-'):
                self.problem(f'{where}: {i} is no option to decline')
            self.not_done[i] = (word, reason, name, line)

    def judge(self):
        for i in self.text:
            if not self.tests.get(i) and i not in self.not_done:
                self.problem(f'{i}: neither a test nor a DEVIATION')
            if not self.places.get(i):
                self.problem(f'{i}: no place in the source says so')
        deviate = self.deviating()
        if len(deviate) > DEVIATIONS_MAX:
            self.problem(f'{len(deviate)} requirements deviate, at most '
                         f'{DEVIATIONS_MAX} may: {" ".join(deviate)}')

    def deviating(self):
        return sorted((i for i, n in self.not_done.items()
                       if n[0] == 'DEVIATION'), key=number)

    # ---- a run ----

    def programs(self):
        return sorted({p for tests in self.tests.values() for p, _ in tests})

    def run(self, build):
        """The verdicts: (program, test, id) -> passed."""
        verdicts = {}
        for program in self.programs():
            for line in tap_of(self.src, build, program):
                if '# SKIP' in line:
                    continue
                for i in ids_in(line):
                    test = test_of(program, line)
                    key = (program, test, i)
                    verdicts[key] = (verdicts.get(key, True)
                                     and not line.startswith('not '))
        tagged = {(p, t, i) for i, tests in self.tests.items()
                  for p, t in tests}
        for p, t, i in sorted(tagged - set(verdicts)):
            self.problem(f'{i}: {p}: {t} did not run')
        for p, t, i in sorted(set(verdicts) - tagged):
            self.problem(f'{i}: {p}: {t} ran, and no source has it')
        for (p, t, i), passed in sorted(verdicts.items()):
            if not passed:
                self.problem(f'{i}: {p}: {t} failed')
        return verdicts

    def verdict(self, i, verdicts):
        if i in self.not_done:
            return {'DEVIATION': 'deviates',
                    'DECLINED': 'declined'}[self.not_done[i][0]]
        tests = self.tests.get(i, [])
        if not tests:
            return 'untested'
        if verdicts is None:
            return 'pass'
        return 'pass' if all(verdicts.get((p, t, i)) for p, t in tests) \
            else 'FAIL'

    # ---- what is written ----

    def table(self, verdicts):
        rows = ['\t'.join(('id', 'verdict', 'requirement', 'tests',
                           'source', 'reason'))]
        for i, what in self.text.items():
            tests = ' '.join(f'{os.path.basename(p)}:{t}'.replace(' ', '_')
                             for p, t in self.tests.get(i, []))
            places = ' '.join(f'{f}:{n}'
                              for f, n, _ in self.places.get(i, []))
            rows.append('\t'.join((i, self.verdict(i, verdicts), what, tests,
                                   places, self.not_done.get(
                                       i, ('', ''))[1])))
        return '\n'.join(rows) + '\n'

    def page(self, verdicts):
        out = [read(self.src, 'tests/conformance/page.head').rstrip()]
        out.append(self.summary(verdicts))
        for title, kinds in SECTIONS:
            out += [f'.Sh {title}', '.Bl -tag -width 4n']
            for i in (i for i in self.text if i.split('-')[0] in kinds):
                out += self.page_row(i, verdicts)
            out.append('.El')
        out.append(read(self.src, 'tests/conformance/page.tail').rstrip())
        return '\n'.join(out) + '\n'

    def summary(self, verdicts):
        count = {}
        for i in self.text:
            v = self.verdict(i, verdicts)
            count[v] = count.get(v, 0) + 1
        said = ', '.join(f'{n} {SAID.get(v, v)}' for v, n in sorted(
            count.items(), key=lambda x: (-x[1], x[0])))
        return f'Of the {len(self.text)}: {said}.'

    def page_row(self, i, verdicts):
        out = [f'.It {i} Pq {self.verdict(i, verdicts)}']
        out += sentences(self.text[i])
        if i in self.not_done:
            reason = self.not_done[i][1]
            out += ['.br', *sentences('But: ' + reason)]
        tests = {}
        for p, t in self.tests.get(i, []):
            tests.setdefault(os.path.basename(p), []).append(t)
        if tests:
            said = '; '.join(f'{p}: {", ".join(t)}' for p, t in tests.items())
            out += ['.br', *filled(f'Tests: {said}.')]
        places = []
        for name, _, function in self.places.get(i, []):
            place = name + (f' ({function})' if function else '')
            if place not in places:
                places.append(place)
        if places:
            out += ['.br', *filled(f'Source: {", ".join(places)}.')]
        return out


def filled(text):
    """Lines of a page: not too long, and none is a request."""
    text = text.replace('\\', '\\e')
    lines = textwrap.wrap(text, 78, break_long_words=False,
                          break_on_hyphens=False)
    return ['\\&' + x if x[0] in ".'" else x for x in lines]


def sentences(text):
    """Each begins a line, as mdoc(7) wants it."""
    return [line for s in re.split(r'(?<=[a-z0-9)]{2}\.) (?=[A-Z])', text)
            for line in filled(s)]


def programs_of(src):
    """Which program a source is linked into, if not the one of its name."""
    found = {}
    for name in files(src, ['tests'], ('.mk',)):
        text = read(src, name).replace('\\\n', ' ')
        values = dict(re.findall(r'^(\w+) = (.*)', text, re.M))
        for var, value in values.items():
            m = re.match(r'tests_(\w+?)_(\w+)_SOURCES$', var)
            if not m:
                continue
            value = re.sub(r'\$\((\w+)\)',
                           lambda v: values.get(v.group(1), ''), value)
            for source in value.split():
                found[source] = f'tests/{m.group(1)}/{m.group(2)}'
    return found


def function_at(text, start, end):
    """Whose comment it is: of the function around it or right behind it, or
    of the macro that it explains."""
    line_start = text.rfind('\n', 0, start) + 1
    m = re.match(r'#define\s+(\w+)', text[line_start:start])
    if m:
        return m.group(1)
    opened = text.rfind('\n{', 0, start)
    closed = text.rfind('\n}', 0, start)
    if opened > closed:
        names = re.findall(r'^([a-z]\w*)\(', text[closed + 1:opened], re.M)
        return names[-1] if names else ''
    m = re.match(r'\s*(?:[^\n;{}#]*\n){0,2}?(\w+)\([^;{}]*\)\n\{',
                 text[end:])
    return m.group(1) if m else ''


def test_of(program, line):
    if program.endswith('.t'):
        return re.sub(r'^(not )?ok [0-9]+ - ', '', line)
    return re.sub(r'^(not )?ok - (\w+::\w+).*', r'\2', line)


def tap_of(src, build, program):
    """The result lines of a run; of the segment scripts over both families."""
    if program == 'tests/script/script':
        return (tap_lines(src, build, program, LAB_FAMILY='4')
                + tap_lines(src, build, program, LAB_FAMILY='6'))
    return tap_lines(src, build, program)


def tap_lines(src, build, program, **more):
    if program.endswith('.t'):
        argv = ['bash', os.path.join(src, program)]
    else:
        argv = [os.path.join(build, program), '--tap', '-q']
    env = dict(os.environ, top_srcdir=src, top_builddir=build, **more)
    p = subprocess.run(argv, stdout=subprocess.PIPE,
                       stderr=subprocess.DEVNULL, env=env, cwd=build,
                       check=False)
    return [m.group(0) for m in
            RESULT.finditer(p.stdout.decode('utf-8', 'replace'))]


def tell(matrix, done):
    for p in matrix.problems:
        print(f'conformance: {p}')
    print(f'conformance: {done} {len(matrix.problems)} problems')
    return 1 if matrix.problems else 0


def check(src):
    m = Matrix(src)
    m.judge()
    try:
        there = read(src, PAGE)
    except OSError:
        there = ''
    if there != m.page(None):
        m.problem(f'{PAGE} is not what the tags say: make conformance')
    return tell(m, m.summary(None))


def run(src, build):
    m = Matrix(src)
    m.judge()
    verdicts = m.run(build)
    with open(os.path.join(build, 'conformance.tsv'), 'w',
              encoding='utf-8') as f:
        f.write(m.table(verdicts))
    page = m.page(verdicts)
    if page != (read(src, PAGE) if os.path.exists(
            os.path.join(src, PAGE)) else ''):
        with open(os.path.join(src, PAGE), 'w', encoding='utf-8') as f:
            f.write(page)
        print(f'conformance: {PAGE} is new')
    return tell(m, m.summary(verdicts))


def main(argv):
    if len(argv) == 3 and argv[1] == 'check':
        return check(os.path.abspath(argv[2]))
    if len(argv) == 4 and argv[1] == 'run':
        return run(os.path.abspath(argv[2]), os.path.abspath(argv[3]))
    print(__doc__, file=sys.stderr)
    return 2


if __name__ == '__main__':
    sys.exit(main(sys.argv))
