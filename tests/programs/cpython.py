# SPDX-License-Identifier: ISC
# cpython.py RESULTS MODULE: runs one module of CPython's own tests and writes a
# line for each: its name, a tab, and ok, FAIL, ERROR, skipped or the like.  A
# test that hangs ends the run, and is the last line, without a result.
import faulthandler
import importlib
import sys
import unittest
from test import support

LIMIT_S = 120


class Result(unittest.TextTestResult):
    out = None

    def say(self, test, what):
        self.out.write("\t" + what + "\n")

    def startTest(self, test):
        super().startTest(test)
        faulthandler.dump_traceback_later(LIMIT_S, exit=True)
        self.bad = None
        self.out.write(test.id())

    def addSubTest(self, test, subtest, err):
        super().addSubTest(test, subtest, err)
        if err is not None:
            self.bad = "FAIL"

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self.bad = "FAIL"

    def addError(self, test, err):
        super().addError(test, err)
        self.bad = "ERROR"
        if not hasattr(test, "_testMethodName"):
            self.out.write(test.id() + "\tERROR\n")

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self.bad = "skipped"
        if not hasattr(test, "_testMethodName"):
            self.out.write(test.id() + "\tskipped\n")

    def addExpectedFailure(self, test, err):
        super().addExpectedFailure(test, err)
        self.bad = "expected failure"

    def addUnexpectedSuccess(self, test):
        super().addUnexpectedSuccess(test)
        self.bad = "unexpected success"

    def stopTest(self, test):
        super().stopTest(test)
        self.say(test, self.bad or "ok")
        faulthandler.cancel_dump_traceback_later()


def without_vsock(tests):
    """Some kernels have it and nobody to talk to."""
    for t in tests:
        if isinstance(t, unittest.TestSuite):
            yield from without_vsock(t)
        elif "VSOCK" not in t.id():
            yield t


def main():
    results, module = sys.argv[1:]
    support.verbose = False
    support.use_resources = ["network"]
    support.junit_xml_list = None
    with open(results, "a", buffering=1, encoding="utf-8") as Result.out:
        try:
            tests = unittest.TestSuite(without_vsock(
                unittest.defaultTestLoader.loadTestsFromModule(
                    importlib.import_module("test." + module))))
        except unittest.SkipTest:
            Result.out.write("%s\tskipped\n" % module)
            return
        unittest.TextTestRunner(resultclass=Result, verbosity=2).run(tests)


# Processes that the tests spawn import this file, too.
if __name__ == "__main__":
    main()
