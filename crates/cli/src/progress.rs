//! Progress on stderr: a bar a stage on a terminal, nothing elsewhere; seconds per stage.

use std::{
    fmt,
    io::{IsTerminal, stderr},
    sync::Mutex,
    time::{Duration, Instant},
};

use indicatif::{HumanDuration, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};
use samestory::{
    progress::{Progress, Stage},
    report::StageTime,
};

use crate::signals::stopped;

/// Shows nothing, but cancels when a signal ends the run.
pub struct CancelOnly;

impl Progress for CancelOnly {
    fn begin(&self, _: Stage, _: Option<u64>) {}

    fn advance(&self, _: Stage, _: u64) {}

    fn end(&self, _: Stage) {}

    fn cancelled(&self) -> bool {
        stopped()
    }
}

/// Shows progress and measures stages.
pub struct ProgressBars {
    show: bool,
    bar: Mutex<Option<ProgressBar>>,
    times: Mutex<Vec<(Stage, Instant, Option<f64>)>>,
}

impl ProgressBars {
    /// ProgressBars on stderr, unless `quiet` or stderr is no terminal.
    pub fn new(quiet: bool) -> Self {
        ProgressBars {
            show: !quiet && stderr().is_terminal(),
            bar: Mutex::new(None),
            times: Mutex::new(Vec::new()),
        }
    }

    /// The finished stages with their seconds, in words.
    pub fn summary(&self) -> String {
        let seconds = |time: &StageTime| format!("{} {:.2} s", time.stage, time.seconds);
        self.stage_times().iter().map(seconds).collect::<Vec<_>>().join(", ")
    }

    /// Seconds per finished stage, in order; a stage that ran twice is added up.
    pub fn stage_times(&self) -> Vec<StageTime> {
        let mut out: Vec<StageTime> = Vec::new();
        for (stage, _, seconds) in lock(&self.times).iter() {
            let Some(seconds) = seconds else { continue };
            match out.iter_mut().find(|t| t.stage == stage.name()) {
                Some(time) => time.seconds += seconds,
                None => out.push(StageTime { stage: stage.name().into(), seconds: *seconds }),
            }
        }
        out
    }
}

impl Progress for ProgressBars {
    fn begin(&self, stage: Stage, total: Option<u64>) {
        lock(&self.times).push((stage, Instant::now(), None));
        if !self.show {
            return;
        }
        let bytes = stage == Stage::Ingest;
        let (count, rate) = if bytes {
            ("{bytes}", "{bytes_per_sec}".to_string())
        } else {
            ("{human_pos}", format!("{{per_sec}} {}", stage.unit()))
        };
        let template = match total {
            Some(_) => format!("{{msg:<10}} {{wide_bar}} {count} {rate}, {{left}}"),
            None => format!("{{msg:<10}} {{spinner}} {count} {rate}, {{elapsed}} so far"),
        };
        let bar = ProgressBar::with_draw_target(total, ProgressDrawTarget::stderr_with_hz(8));
        if let Ok(style) = ProgressStyle::with_template(&template) {
            bar.set_style(style.with_key("left", left));
        }
        bar.set_message(stage.name());
        bar.enable_steady_tick(Duration::from_millis(250));
        *lock(&self.bar) = Some(bar);
    }

    fn advance(&self, _: Stage, n: u64) {
        if let Some(bar) = lock(&self.bar).as_ref() {
            bar.inc(n);
        }
    }

    fn end(&self, stage: Stage) {
        if let Some(bar) = lock(&self.bar).take() {
            bar.finish_and_clear();
        }
        if let Some((_, started, seconds)) = lock(&self.times).iter_mut().rev().find(|t| t.0 == stage) {
            *seconds = Some(started.elapsed().as_secs_f64());
        }
    }

    fn warn(&self, message: &str) {
        let show = || status!("samestory: {}", samestory::report::sanitize_line(message, 400));
        match lock(&self.bar).as_ref() {
            Some(bar) => bar.suspend(show),
            None => show(),
        }
    }

    fn cancelled(&self) -> bool {
        stopped()
    }
}

/// The time that is left, once it can be estimated; until then the elapsed time.
fn left(state: &ProgressState, out: &mut dyn fmt::Write) {
    // Drawing to a terminal's line: what cannot be written is not shown.
    let _ = match state.pos() {
        0 => write!(out, "{} so far", HumanDuration(state.elapsed())),
        _ => write!(out, "{} left", HumanDuration(state.eta())),
    };
}

/// A poisoned lock means that a thread panicked while drawing; the figures are still right.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}
