//! How many instructions a function executes in user mode: the one figure that a busy machine does not change.
//!
//! Where the processor's counters may be read, `perf stat` reads them. On most virtual machines they may not. QEMU then
//! counts while it emulates a processor that has what current ones have, but it takes a plugin that must be built for it
//! (`bench/qemu/count.c`), so it is only used when it is asked for. Valgrind needs nothing, but its processor knows fewer
//! instructions: SHA-256 and AES-GCM take their slower ways there, so its figures are upper bounds. Without any of them
//! there is no figure. A count covers a whole process; that of a part is the difference of two.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Counter {
    /// The processor, read by `perf stat`.
    Perf,
    /// QEMU's user mode; the folder holds `qemu-x86_64` and the plugin, `count.so`.
    Qemu(PathBuf),
    /// Valgrind.
    Valgrind,
}

impl Counter {
    /// What is usable here: QEMU when its folder is given, else the first of the others.
    #[must_use]
    pub fn here(qemu: Option<PathBuf>) -> Option<Self> {
        let folder = tempfile::tempdir().ok()?;
        let candidates = match qemu {
            Some(folder) => vec![Self::Qemu(folder)],
            None => vec![Self::Perf, Self::Valgrind],
        };
        let mut candidates = candidates.into_iter();
        candidates.find(|counter| counter.works(&folder.path().join("count")))
    }

    /// Its name, for a person.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Perf => "hardware counters (perf stat)",
            Self::Qemu(_) => "QEMU",
            Self::Valgrind => "Valgrind (upper bounds)",
        }
    }

    /// The command that runs `program` and writes its count into `file`.
    #[must_use]
    pub fn command(&self, file: &Path, program: &str) -> Vec<String> {
        let file = file.display();
        let words = match self {
            Self::Perf => format!("perf stat -x, -e instructions:u -o {file} --"),
            Self::Qemu(folder) => {
                let folder = folder.display();
                format!("{folder}/qemu-x86_64 -cpu max -plugin {folder}/count.so,out={file}")
            }
            Self::Valgrind => format!(
                "valgrind --tool=cachegrind --cache-sim=no --cachegrind-out-file=/dev/null --log-file={file}"
            ),
        };
        let mut command: Vec<String> = words.split(' ').map(str::to_owned).collect();
        command.push(program.to_owned());
        command
    }

    /// The count that the command has written.
    #[must_use]
    pub fn read(&self, file: &Path) -> Option<u64> {
        let text = fs::read_to_string(file).ok()?;
        match self {
            Self::Perf => of_perf(&text),
            Self::Qemu(_) => text.trim().parse().ok(),
            Self::Valgrind => of_valgrind(&text),
        }
    }

    fn works(&self, file: &Path) -> bool {
        let command = self.command(file, "/bin/true");
        let Some((program, args)) = command.split_first() else {
            return false;
        };
        let ran = Command::new(program)
            .args(args)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        ran.is_ok() && self.read(file).is_some_and(|count| count > 0)
    }
}

/// The line `1234567,,instructions:u,…`; a counter that is missing has words in place of the number.
fn of_perf(text: &str) -> Option<u64> {
    let line = text.lines().find(|line| line.contains("instructions"))?;
    line.split(',').next()?.trim().parse().ok()
}

/// The line `==7== I   refs:      1,234,567`.
fn of_valgrind(text: &str) -> Option<u64> {
    let (_, count) = text.lines().find_map(|line| line.split_once("refs:"))?;
    count.trim().replace(',', "").parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_of_perf_is_read_and_a_missing_counter_is_no_count() {
        let text = "# started on Sun Nov 22\n\n7123456,,instructions:u,2000123,100.00,,\n";
        assert_eq!(of_perf(text), Some(7_123_456));
        assert_eq!(of_perf("<not supported>,,instructions:u,0,100.00,,"), None);
        assert_eq!(of_perf(""), None);
    }

    #[test]
    fn a_count_of_valgrind_is_read() {
        let text = "==7== Cachegrind\n==7== \n==7== I   refs:      9,123,456\n";
        assert_eq!(of_valgrind(text), Some(9_123_456));
        assert_eq!(of_valgrind("==7== I refs:  12\n"), Some(12));
        assert_eq!(of_valgrind("==7== nothing"), None);
    }

    #[test]
    fn a_count_of_qemu_is_the_number_in_the_file_and_an_empty_file_is_no_count() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("count");
        let counter = Counter::Qemu("/qemu".into());
        fs::write(&file, "1833770             \n").unwrap();
        assert_eq!(counter.read(&file), Some(1_833_770));
        fs::write(&file, "").unwrap();
        assert_eq!(counter.read(&file), None);
    }

    #[test]
    fn the_program_comes_last_in_its_command() {
        let qemu = Counter::Qemu("/qemu".into());
        for counter in [Counter::Perf, qemu, Counter::Valgrind] {
            let command = counter.command(Path::new("/tmp/count"), "a program");
            assert_eq!(command.last().unwrap(), "a program");
        }
    }
}
