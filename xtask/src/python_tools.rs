//! Programs from PyPI that checks use: installed at fixed versions into a virtual environment under `target/`.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::process::{self, Failure, Interrupt};

/// The programs and their versions.
const REQUIREMENTS: &str = include_str!("../python-tools.txt");
/// Written last, with the requirements that are installed.
const INSTALLED_FILE: &str = "installed.txt";

/// The folder of the programs, or why a person's machine cannot have them.
pub(crate) enum PythonTools {
    /// The folder with the programs.
    Ready(PathBuf),
    /// They cannot be installed.
    Missing(String),
}

/// Installs the programs unless they are there. On CI a machine that cannot have them is a failure.
pub(crate) fn ensure(interrupt: &Interrupt) -> Result<PythonTools, Failure> {
    let folder = process::target_folder()?.join("python-tools");
    let programs = folder.join("bin");
    if is_installed(&folder) {
        return Ok(PythonTools::Ready(programs));
    }
    match install(&folder, interrupt) {
        Ok(()) => Ok(PythonTools::Ready(programs)),
        Err(failure) => {
            interrupt.check()?;
            if process::is_ci() { Err(failure) } else { Ok(PythonTools::Missing(failure.to_string())) }
        }
    }
}

/// A program that is on the path or was installed before; nothing is installed for it, except on CI.
pub(crate) fn find(name: &str, interrupt: &Interrupt) -> Result<Option<PathBuf>, Failure> {
    if let Some(program) = process::find_program(name) {
        return Ok(Some(program));
    }
    let folder = process::target_folder()?.join("python-tools");
    if !is_installed(&folder) && !process::is_ci() {
        return Ok(None);
    }
    match ensure(interrupt)? {
        PythonTools::Ready(programs) => Ok(Some(programs.join(name)).filter(|program| program.is_file())),
        PythonTools::Missing(_) => Ok(None),
    }
}

fn is_installed(folder: &Path) -> bool {
    fs::read_to_string(folder.join(INSTALLED_FILE)).is_ok_and(|installed| installed == REQUIREMENTS)
}

fn install(folder: &Path, interrupt: &Interrupt) -> Result<(), Failure> {
    let python = process::find_program("python3").ok_or_else(|| Failure::new("python3 is missing"))?;
    eprintln!("xtask: installing into {} (a minute, once): {}", folder.display(), REQUIREMENTS.replace('\n', " "));
    // A half-made or older environment is replaced.
    if folder.exists() {
        fs::remove_dir_all(folder)
            .map_err(|error| Failure::new(format!("cannot clear {}: {error}", folder.display())))?;
    }
    process::must(Command::new(python).args(["-m", "venv"]).arg(folder), interrupt)?;
    let mut pip = Command::new(folder.join("bin/python"));
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]);
    pip.args(REQUIREMENTS.split_whitespace());
    process::must(&mut pip, interrupt)?;
    fs::write(folder.join(INSTALLED_FILE), REQUIREMENTS)
        .map_err(|error| Failure::new(format!("cannot write into {}: {error}", folder.display())))
}
