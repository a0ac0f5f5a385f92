//! What failed in a long run, once more at its end: whoever reads the last lines of a log must find it there.

/// Collects the failures out of the output of tests, line by line.
///
/// Rust's test programs write their failures between a line `failures:` and a line that begins with `test result:`.
#[derive(Debug, Default)]
pub(super) struct Failures {
    lines: Vec<String>,
    inside: bool,
}

impl Failures {
    /// Reads the next line.
    pub(super) fn read(&mut self, line: &str) {
        self.inside |= line == "failures:";
        if self.inside {
            self.lines.push(line.to_owned());
        }
        self.inside &= !line.starts_with("test result:");
    }

    /// All that failed, in the order in which it did; nothing when everything passed.
    pub(super) fn told(&self) -> Option<String> {
        (!self.lines.is_empty())
            .then(|| format!("\nWhat failed, once more:\n\n{}", self.lines.join("\n")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(output: &str) -> Option<String> {
        let mut failures = Failures::default();
        output.lines().for_each(|line| failures.read(line));
        failures.told()
    }

    #[test]
    fn nothing_is_told_when_everything_passed() {
        assert_eq!(
            told("running 1 test\ntest a ... ok\n\ntest result: ok. 1 passed\n"),
            None
        );
    }

    #[test]
    fn every_failure_is_told_and_nothing_that_passed() {
        let output = "test a ... ok\ntest b ... FAILED\n\nfailures:\n\n---- b stdout ----\nbroken\n\nfailures:\n    b\n\n\
                      test result: FAILED. 1 passed; 1 failed\n\nrunning 1 test\ntest c ... ok\ntest result: ok. 1 passed\n\
                      failures:\n    d\ntest result: FAILED. 0 passed; 1 failed\n";
        let told = told(output).unwrap_or_default();
        for kept in ["---- b stdout ----", "broken", "    b", "    d"] {
            assert!(told.contains(kept), "{told}");
        }
        assert!(
            !told.contains("test a") && !told.contains("test c"),
            "{told}"
        );
    }
}
