//! What to measure, how long, and where.

use std::{env, path::PathBuf, time::Duration};

use crate::failure::Failure;

/// The text of `--help`.
pub(crate) const HELP: &str = "\
cargo xtask bench orders [OPTIONS]

Starts the release build with a demo shop in a folder of its own. 1, 16 and 64 clients place and pay orders of
three lines over HTTP; a third of the orders have one cup that a machine pours. In the same run, on the same
disk, a loop of bare SQLite commits one order's rows at a time (the baseline). Prints both and compares them
with the targets.

  --quick            two seconds for each number of clients: a first impression
  --seconds N        how long each number of clients is measured (10)
  --clients A,B,C    other numbers of clients (1,16,64)
  --flush-ms N       a slower disk: adds N ms to each commit, in the baseline too
  --past-orders N    also measures how much slower 64 clients are with N paid orders already in the files
  --folder DIR       where the folder for the files is created (target/bench): on the disk to be measured
  --keep             keep the files and print where they are
";

/// What to measure.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) clients: Vec<usize>,
    pub(crate) measured: Duration,
    pub(crate) warm_up: Duration,
    pub(crate) baseline_for: Duration,
    pub(crate) starts: usize,
    pub(crate) flush_ms: u64,
    pub(crate) past_orders: u64,
    /// The release build of fnb.
    pub(crate) program: PathBuf,
    pub(crate) folder: PathBuf,
    pub(crate) is_kept: bool,
}

impl Plan {
    /// Reads the command line. `None`: it asks for help.
    pub(crate) fn read(args: &[String]) -> Result<Option<Self>, Failure> {
        let mut args = args.iter().map(String::as_str);
        match args.next() {
            Some("orders") => {}
            None | Some("--help" | "-h" | "help") => return Ok(None),
            Some(other) => {
                return Err(Failure(format!(
                    "there is no benchmark {other:?}: there are `bench orders` and `bench access`"
                )));
            }
        }
        let mut plan = Self::from_env();
        while let Some(arg) = args.next() {
            let mut value = || args.next().ok_or_else(|| Failure(format!("{arg} needs a value: see --help")));
            match arg {
                "--help" | "-h" => return Ok(None),
                "--quick" => plan.shorten(),
                "--keep" => plan.is_kept = true,
                "--seconds" => plan.measured = Duration::from_secs(positive(arg, value()?)?.into()),
                "--flush-ms" => plan.flush_ms = number(arg, value()?)?,
                "--past-orders" => plan.past_orders = number(arg, value()?)?,
                "--folder" => plan.folder = absolute(value()?.into()),
                "--clients" => {
                    let clients = value()?.split(',').map(|part| positive(arg, part).map(|count| count as usize));
                    plan.clients = clients.collect::<Result<_, _>>()?;
                }
                other => return Err(Failure(format!("there is no option {other:?}: see --help"))),
            }
        }
        Ok(Some(plan))
    }

    fn from_env() -> Self {
        // `cargo xtask bench` sets both variables.
        let from_env = |name: &str, or: &str| absolute(PathBuf::from(env::var_os(name).unwrap_or_else(|| or.into())));
        Self {
            clients: vec![1, 16, 64],
            measured: Duration::from_secs(10),
            warm_up: Duration::from_secs(2),
            baseline_for: Duration::from_secs(5),
            starts: 5,
            flush_ms: 0,
            past_orders: 0,
            program: from_env("BENCH_PROGRAM", "target/release/fnb"),
            folder: from_env("BENCH_FOLDER", "target/bench"),
            is_kept: false,
        }
    }

    fn shorten(&mut self) {
        self.measured = Duration::from_secs(2);
        self.warm_up = Duration::from_secs(1);
        self.baseline_for = Duration::from_secs(2);
        self.starts = 3;
    }
}

/// The program is started in another folder, so paths must not be relative.
fn absolute(path: PathBuf) -> PathBuf {
    std::path::absolute(&path).unwrap_or(path)
}

fn number<T: std::str::FromStr>(option: &str, text: &str) -> Result<T, Failure> {
    text.parse().map_err(|_| Failure(format!("{option} takes a number, not {text:?}")))
}

/// A number of at least 1: no seconds or no clients measure nothing.
fn positive(option: &str, text: &str) -> Result<u32, Failure> {
    match number(option, text)? {
        0 => Err(Failure(format!("{option} takes 1 or more, not 0"))),
        number => Ok(number),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<Option<Plan>, Failure> {
        Plan::read(&line.split_whitespace().map(String::from).collect::<Vec<_>>())
    }

    #[test]
    fn options_are_read_from_the_command_line() {
        let plan = read("orders --quick --flush-ms 3 --clients 1,64").unwrap().unwrap();
        assert_eq!((plan.flush_ms, plan.clients, plan.measured), (3, vec![1, 64], Duration::from_secs(2)));
        assert!(read("orders --help").unwrap().is_none());
    }

    #[test]
    fn unknown_and_wrong_options_are_refused_with_a_hint() {
        assert!(read("orders --fast").unwrap_err().0.contains("--help"));
        assert!(read("orders --flush-ms").unwrap_err().0.contains("needs a value"));
        assert!(read("orders --seconds soon").unwrap_err().0.contains("takes a number"));
        assert!(read("orders --seconds 0").unwrap_err().0.contains("1 or more"));
        assert!(read("orders --clients 1,0").unwrap_err().0.contains("1 or more"));
    }
}
