"""Every class that the script can answer is made to happen by a test on the real script, and with the code that it documents."""

import re
import unittest

from harness import HERE, SCRIPT

# How the tests of this folder say what they expect: a code and a class, one after the other.
EXPECTED = re.compile(r"""\((?:[a-z_.]+\(.*\), |[^()\n]*, )?(\d+), "([a-z_]+)\"""")


class TheClasses(unittest.TestCase):
    def codes(self):
        body = SCRIPT.read_text().split("exit_code() {")[1].split("\n}")[0]
        return {name: int(code) for name, code in re.findall(r"([a-z_]+)\) echo (\d+)", body)}

    def expected(self):
        found = {}
        for file in sorted(HERE.glob("test_*.py")):
            for code, name in EXPECTED.findall(file.read_text()):
                found.setdefault(name, set()).add(int(code))
        return found

    def test_every_class_has_a_test_that_produces_it_with_its_code(self):
        codes, expected = self.codes(), self.expected()
        self.assertEqual({name: expected.get(name) for name in codes}, {name: {code} for name, code in codes.items()})

    def test_no_test_expects_a_class_that_the_script_does_not_have(self):
        self.assertEqual(set(self.expected()) - set(self.codes()), {"internal"})

    def test_every_class_that_the_script_names_has_a_code(self):
        named = set(re.findall(r"\b(?:fail|refuse|fail_by_log) ([a-z]+_[a-z_]+)\b", SCRIPT.read_text()))
        named |= set(re.findall(r"refuse\('([a-z_]+)'", SCRIPT.read_text()))
        named |= set(re.findall(r"^  \[/.*/, '([a-z_]+)'", SCRIPT.read_text(), re.M))
        self.assertGreater(len(named), 15)
        self.assertEqual(named - set(self.codes()), set())


if __name__ == "__main__":
    unittest.main()
