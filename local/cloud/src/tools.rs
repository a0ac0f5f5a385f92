//! The tools that the local cloud and the static checks run on: Python environments and the process manager, pinned with
//! hashes.
//!
//! They are made once per content of their pins, under `.longshore/tools` of the repository, behind a lock so that several
//! runs side by side share the work. A folder without its `complete` mark was left half made and is made again. Nothing is
//! ever installed outside that folder.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, Result, bail};
use tokio::process::Command;

use crate::sign::hex_hash;

/// What a run reports while it works.
pub type Progress = fn(&str);

const FOLDER: &str = ".longshore/tools";
const LOCAL: &str = "local/requirements/local.txt";
const CHECKS: &str = "local/requirements/checks.txt";
const RELEASE: &str = "local/requirements/release.txt";
const NPM: [&str; 2] = ["local/npm/package.json", "local/npm/package-lock.json"];
const NPM_CHECKS: [&str; 2] = [
    "local/npm-checks/package.json",
    "local/npm-checks/package-lock.json",
];
const COMPLETE: &str = "complete";
const HASH_LENGTH: usize = 16;
/// The commands that a host may call by name, and where they are inside the tools.
const COMMANDS: [(&str, &str); 2] = [
    ("aws", "python/bin/aws"),
    ("pm2", "node/node_modules/.bin/pm2"),
];
/// The commands that a host takes from this machine.
const SYSTEM_COMMANDS: [&str; 3] = ["node", "npm", "git"];

/// The tools of the local cloud, ready to use.
#[derive(Clone, Debug)]
pub struct Tools {
    folder: PathBuf,
}

impl Tools {
    /// Finds the tools of this repository, or makes them.
    ///
    /// # Errors
    /// When a pin cannot be read, or pip or npm fail; the error holds what they said.
    pub async fn prepare(repo_root: &Path, progress: Progress) -> Result<Self> {
        let pins = [LOCAL, NPM[0], NPM[1]];
        let hash = hash_of(repo_root, &pins)?;
        let folder = installed(repo_root, &hash, progress, async |folder| {
            progress("making the Python environment of the local cloud, once; about a minute");
            make_python(folder, &repo_root.join(LOCAL)).await?;
            progress("installing the process manager of the local hosts, once");
            make_node(folder, repo_root, &NPM).await?;
            link_commands(folder)
        });
        Ok(Self {
            folder: folder.await?,
        })
    }

    /// The Python that runs the emulator.
    #[must_use]
    pub fn python(&self) -> PathBuf {
        self.folder.join("python/bin/python")
    }

    /// The process manager.
    #[must_use]
    pub fn pm2(&self) -> PathBuf {
        self.folder.join("bin/pm2")
    }

    /// The search path of a host: our tools by name only, then node, npm and git as this machine has them.
    #[must_use]
    pub fn host_path(&self) -> String {
        let mut folders = vec![self.folder.join("bin")];
        folders.extend(SYSTEM_COMMANDS.iter().filter_map(|name| folder_of(name)));
        folders.extend(["/usr/local/bin", "/usr/bin", "/bin"].map(PathBuf::from));
        let mut unique: Vec<String> = Vec::new();
        for folder in folders {
            let text = folder.to_string_lossy().into_owned();
            if !unique.contains(&text) {
                unique.push(text);
            }
        }
        unique.join(":")
    }
}

/// Finds the tools of the static checks, or makes them; returns the folder of their commands.
///
/// # Errors
/// When a pin cannot be read, or pip fails; the error holds what it said.
pub async fn checks(repo_root: &Path, progress: Progress) -> Result<PathBuf> {
    let hash = hash_of(repo_root, &[CHECKS, NPM_CHECKS[0], NPM_CHECKS[1]])?;
    let folder = installed(repo_root, &hash, progress, async |folder| {
        progress("making the Python environment of the static checks, once; about a minute");
        make_python(folder, &repo_root.join(CHECKS)).await?;
        progress("installing what the vendors publish of their messages, once");
        make_node(folder, repo_root, &NPM_CHECKS).await
    });
    Ok(folder.await?.join("python/bin"))
}

/// Finds the tools that build the static command, or makes them; returns the folder of their commands.
///
/// # Errors
/// When a pin cannot be read, or pip fails; the error holds what it said.
pub async fn release(repo_root: &Path, progress: Progress) -> Result<PathBuf> {
    let hash = hash_of(repo_root, &[RELEASE])?;
    let folder = installed(repo_root, &hash, progress, async |folder| {
        progress("making the Python environment of Zig, once; about a minute");
        make_python(folder, &repo_root.join(RELEASE)).await
    });
    Ok(folder.await?.join("python/bin"))
}

/// The folder of the tools whose pins have this hash, made by `make` if it is not there.
pub(crate) async fn installed<F>(
    repo_root: &Path,
    hash: &str,
    progress: Progress,
    make: F,
) -> Result<PathBuf>
where
    F: AsyncFnOnce(&Path) -> Result<()>,
{
    let folder = repo_root.join(FOLDER).join(hash);
    std::fs::create_dir_all(repo_root.join(FOLDER))?;
    if folder.join(COMPLETE).exists() {
        return Ok(folder);
    }
    let _lock = lock(folder.with_extension("lock"), progress).await?;
    if !folder.join(COMPLETE).exists() {
        if folder.exists() {
            std::fs::remove_dir_all(&folder).context("clearing half-made tools")?;
        }
        std::fs::create_dir_all(&folder)?;
        make(&folder).await?;
        std::fs::write(folder.join(COMPLETE), "")?;
    }
    Ok(folder)
}

/// A folder of programs for Node.js with their pinned packages. The programs stay where they are in the repository, and find their
/// packages through a link.
#[derive(Clone, Debug)]
pub struct NodeTools {
    folder: PathBuf,
}

impl NodeTools {
    /// Finds the packages that a folder of the repository pins, or installs them.
    ///
    /// # Errors
    /// When a pin cannot be read, or npm fails; the error holds what it said.
    pub async fn prepare(repo_root: &Path, source: &str, progress: Progress) -> Result<Self> {
        let pins = ["package.json", "package-lock.json"].map(|name| format!("{source}/{name}"));
        let pins: Vec<&str> = pins.iter().map(String::as_str).collect();
        let hash = hash_of(repo_root, &pins)?;
        let folder = installed(repo_root, &hash, progress, async |folder| {
            progress(&format!("installing the packages of {source}, once"));
            install(folder, repo_root, &pins).await?;
            let link = folder.join("source");
            Ok(std::os::unix::fs::symlink(repo_root.join(source), link)?)
        });
        Ok(Self {
            folder: folder.await?,
        })
    }

    /// The folder of the tools.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// A command that runs one of the programs.
    ///
    /// # Errors
    /// When this machine has no Node.js.
    pub fn command(&self, program: &str) -> Result<Command> {
        let node = folder_of("node").context("there is no node on this machine")?;
        let mut command = Command::new(node.join("node"));
        // A program is looked for packages beside its link, not beside the file that the link leads to.
        command.args(["--preserve-symlinks", "--preserve-symlinks-main"]);
        command.arg(self.folder.join("source").join(program));
        command.kill_on_drop(true);
        Ok(command)
    }
}

async fn make_python(folder: &Path, requirements: &Path) -> Result<()> {
    let python = folder.join("python");
    run(Command::new("python3").args(["-m", "venv"]).arg(&python)).await?;
    let pip = [
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--require-hashes",
        "--no-deps",
        "-r",
    ];
    run(Command::new(python.join("bin/python"))
        .args(pip)
        .arg(requirements))
    .await
}

async fn make_node(folder: &Path, repo_root: &Path, pins: &[&str]) -> Result<()> {
    let node = folder.join("node");
    std::fs::create_dir_all(&node)?;
    install(&node, repo_root, pins).await
}

/// Installs exactly what these pins of npm name, and runs nothing of it.
async fn install(node: &Path, repo_root: &Path, pins: &[&str]) -> Result<()> {
    for file in pins {
        let name = Path::new(file)
            .file_name()
            .context("a file without a name")?;
        std::fs::copy(repo_root.join(file), node.join(name))?;
    }
    let npm = [
        "ci",
        "--no-audit",
        "--no-fund",
        "--ignore-scripts",
        "--loglevel=error",
    ];
    run(Command::new("npm").args(npm).current_dir(node)).await
}

fn link_commands(folder: &Path) -> Result<()> {
    std::fs::create_dir_all(folder.join("bin"))?;
    for (name, target) in COMMANDS {
        std::os::unix::fs::symlink(folder.join(target), folder.join("bin").join(name))?;
    }
    Ok(())
}

fn hash_of(repo_root: &Path, files: &[&str]) -> Result<String> {
    let mut pins = Vec::new();
    for file in files {
        let path = repo_root.join(file);
        pins.extend(std::fs::read(&path).with_context(|| format!("reading {}", path.display()))?);
    }
    Ok(short_hash(&pins))
}

/// A folder's name for tools with these pins.
pub(crate) fn short_hash(pins: &[u8]) -> String {
    let mut hash = hex_hash(pins);
    hash.truncate(HASH_LENGTH);
    hash
}

async fn lock(path: PathBuf, progress: Progress) -> Result<File> {
    let file = File::create(&path).with_context(|| format!("making {}", path.display()))?;
    if file.try_lock().is_ok() {
        return Ok(file);
    }
    progress("another run is making the tools; waiting for it");
    let locked = tokio::task::spawn_blocking(move || file.lock().map(|()| file));
    Ok(locked.await??)
}

/// Runs a program to its end; an error holds what it said.
pub(crate) async fn run(command: &mut Command) -> Result<()> {
    let output = command
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await?;
    if output.status.success() {
        return Ok(());
    }
    let program = command
        .as_std()
        .get_program()
        .to_string_lossy()
        .into_owned();
    let (out, error) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    bail!("{program} failed:\n{out}{error}")
}

/// The folder of a command of this machine, by the search path.
pub(crate) fn folder_of(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).find(|folder| folder.join(name).is_file())
}

#[cfg(test)]
mod tests {
    use super::{COMPLETE, FOLDER, hash_of, installed};

    const PIN: &str = "pin.txt";

    #[tokio::test]
    async fn tools_are_made_once_and_again_when_their_pins_change() {
        let repo = tempfile::tempdir().unwrap();
        let make = async |pin: &str, makes: bool| {
            std::fs::write(repo.path().join(PIN), pin).unwrap();
            let mut made = false;
            let making = async |folder: &std::path::Path| {
                made = true;
                std::fs::write(folder.join("tool"), pin)?;
                Ok(())
            };
            let hash = hash_of(repo.path(), &[PIN]).unwrap();
            let folder = installed(repo.path(), &hash, |_| {}, making).await.unwrap();
            assert_eq!(std::fs::read_to_string(folder.join("tool")).unwrap(), pin);
            assert_eq!(made, makes);
        };
        make("one", true).await;
        make("one", false).await;
        make("two", true).await;
    }

    #[tokio::test]
    async fn half_made_tools_are_made_again() {
        let repo = tempfile::tempdir().unwrap();
        std::fs::write(repo.path().join(PIN), "one").unwrap();
        let hash = hash_of(repo.path(), &[PIN]).unwrap();
        let folder = repo.path().join(FOLDER).join(&hash);
        std::fs::create_dir_all(folder.join("rest")).unwrap();
        let folder = installed(repo.path(), &hash, |_| {}, async |_| Ok(()))
            .await
            .unwrap();
        assert!(!folder.join("rest").exists());
        assert!(folder.join(COMPLETE).exists());
    }
}
