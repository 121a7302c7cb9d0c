//! The result: a table for people and JSON for programs.

use std::error::Error;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;
use std::{fs, io};

use serde_json::{Value, json};

use crate::{Arguments, Fallible};

/// What a result is held to.
#[derive(Clone, Copy)]
pub(crate) enum Goal {
    AtLeast(f64),
    AtMost(f64),
    Within(f64, f64),
    None,
}

/// The turns of one side.
pub(crate) struct Series {
    pub(crate) name: &'static str,
    pub(crate) unit: &'static str,
    pub(crate) turns: Vec<f64>,
}

impl Series {
    pub(crate) fn median(&self) -> f64 {
        let mut sorted = self.turns.clone();
        sorted.sort_by(f64::total_cmp);
        let middle = sorted.len() / 2;
        match sorted.len() {
            0 => f64::NAN,
            odd if odd % 2 == 1 => sorted[middle],
            _ => f64::midpoint(sorted[middle - 1], sorted[middle]),
        }
    }

    fn json(&self) -> Value {
        json!({ "name": self.name, "unit": self.unit, "median": self.median(), "turns": self.turns })
    }

    fn told(&self) -> String {
        format!("{} {} ({})", self.name, shown(self.median()), self.unit)
    }
}

struct Finding {
    work: &'static str,
    against: Option<Series>,
    ours: Series,
    goal: Goal,
}

impl Finding {
    /// The ratio of the medians; without another side, the median itself.
    fn result(&self) -> f64 {
        self.against.as_ref().map_or(self.ours.median(), |against| self.ours.median() / against.median())
    }

    /// How far from the goal, in parts of it: positive is better than asked for.
    fn margin(&self) -> Option<f64> {
        match self.goal {
            Goal::AtLeast(least) => Some(self.result() / least - 1.0),
            Goal::AtMost(most) => Some(1.0 - self.result() / most),
            Goal::Within(least, most) => {
                Some(1.0 - (self.result() - f64::midpoint(least, most)).abs() * 2.0 / (most - least))
            }
            Goal::None => None,
        }
    }

    fn row(&self) -> [String; 6] {
        let goal = match self.goal {
            Goal::AtLeast(least) => format!("≥ {}", shown(least)),
            Goal::AtMost(most) => format!("≤ {}", shown(most)),
            Goal::Within(least, most) => format!("{}–{}", shown(least), shown(most)),
            Goal::None => "–".to_owned(),
        };
        let distance = match self.margin() {
            Some(margin) if margin >= 0.0 => format!("met, {:.0} % to spare", margin * 100.0),
            Some(margin) => format!("missed by {:.0} %", -margin * 100.0),
            None => String::new(),
        };
        let result = match self.against {
            Some(_) => format!("{:.2} ×", self.result()),
            None => format!("{} {}", shown(self.result()), self.ours.unit),
        };
        let against = self.against.as_ref().map(Series::told).unwrap_or_default();
        [self.work.to_owned(), against, self.ours.told(), result, goal, distance]
    }
}

/// What was measured so far.
pub(crate) struct Report {
    findings: Vec<Finding>,
    machine: Value,
}

impl Report {
    pub(crate) fn new(arguments: &Arguments) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
        let load: f64 = load.split(' ').next().and_then(|minute| minute.parse().ok()).unwrap_or(0.0);
        let (rounds, seconds) = (arguments.rounds, arguments.seconds);
        let machine = json!({ "cores": cores, "load_before": load, "rounds": rounds, "seconds": seconds });
        Self { findings: Vec::new(), machine }
    }

    /// A figure of its own.
    pub(crate) fn figure(&mut self, work: &'static str, ours: Series, goal: Goal) {
        self.add(Finding { work, against: None, ours, goal });
    }

    /// Two sides of one run.
    pub(crate) fn ratio(&mut self, work: &'static str, against: Series, ours: Series, goal: Goal) {
        self.add(Finding { work, against: Some(against), ours, goal });
    }

    fn add(&mut self, finding: Finding) {
        let [work, against, ours, result, ..] = finding.row();
        note(&format!("{work}: {result}  [{ours}{}{against}]", if against.is_empty() { "" } else { " : " }));
        self.findings.push(finding);
    }

    /// Prints the table and writes the file.
    pub(crate) fn finish(self, path: &Path) -> Fallible<()> {
        let header = ["work", "against", "the product", "result", "goal", "how far"].map(ToOwned::to_owned);
        let rows: Vec<[String; 6]> =
            std::iter::once(header).chain(self.findings.iter().map(Finding::row)).collect();
        let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
        let widths: [usize; 6] = std::array::from_fn(width);
        let mut text = String::from("\n");
        for row in &rows {
            for (cell, width) in row.iter().zip(widths) {
                write!(text, "{cell:<width$}  ")?;
            }
            text.truncate(text.trim_end().len());
            text.push('\n');
        }
        write!(
            text,
            "\nMedians of turns in one run on {} cores, which database, product and load share; commits reach the disk.\n\
             When it began the machine's load was {} (0 is a quiet one). Only ratios mean anything elsewhere.\n",
            self.machine["cores"], self.machine["load_before"]
        )?;
        let mut out = io::stdout().lock();
        out.write_all(text.as_bytes())?;
        fs::write(path, serde_json::to_vec_pretty(&self.json())?)?;
        Ok(writeln!(out, "Every turn is in {}.", path.display())?)
    }

    fn json(&self) -> Value {
        let findings: Vec<Value> = self
            .findings
            .iter()
            .map(|finding| {
                let goal = match finding.goal {
                    Goal::AtLeast(least) => json!({ "at_least": least }),
                    Goal::AtMost(most) => json!({ "at_most": most }),
                    Goal::Within(least, most) => json!({ "at_least": least, "at_most": most }),
                    Goal::None => Value::Null,
                };
                json!({
                    "work": finding.work,
                    "against": finding.against.as_ref().map(Series::json),
                    "product": finding.ours.json(),
                    "result": finding.result(),
                    "goal": goal,
                    "met": finding.margin().map(|margin| margin >= 0.0),
                })
            })
            .collect();
        json!({ "machine": self.machine, "findings": findings })
    }
}

/// Three figures that say something.
fn shown(value: f64) -> String {
    if value >= 100.0 {
        format!("{value:.0}")
    } else if value >= 10.0 {
        format!("{value:.1}")
    } else {
        format!("{value:.2}")
    }
}

/// A line about what is going on.
pub(crate) fn note(line: &str) {
    let _reader_gone = writeln!(io::stderr().lock(), "· {line}");
}

/// An error with everything that led to it.
pub(crate) fn complain(error: &(dyn Error + 'static)) {
    let mut line = format!("error: {error}");
    let mut cause = error.source();
    while let Some(error) = cause {
        let _never_fails = write!(line, "; because: {error}");
        cause = error.source();
    }
    let _reader_gone = writeln!(io::stderr().lock(), "{line}");
}
