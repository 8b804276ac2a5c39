//! The figures of a bench run for people.

use std::io::{self, Write};

use samestory::{
    bench::{BenchReport, MetricChange, SubjectResult, Summary},
    report::sanitize_line,
};

/// The whole report.
pub fn report(report: &BenchReport, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "model    {} ({})", report.model, &report.fingerprint[..report.fingerprint.len().min(12)])?;
    writeln!(
        out,
        "corpus   {}: {} distinct passages, {:.2} MB",
        sanitize_line(&report.corpus, 200),
        report.passages,
        report.bytes as f64 / 1e6
    )?;
    let rounds = report.rounds;
    writeln!(out, "rounds   {rounds}, in turns; medians [lowest to highest]; tokenization included")?;
    for c in &report.ceilings {
        writeln!(
            out,
            "ceiling  {} × {}: {:.0} GFLOP/s in registers, measured now",
            c.isa, c.threads, c.gflops
        )?;
    }
    report.subjects.iter().try_for_each(|s| subject(s, out))?;
    speedups(report, out)?;
    for p in &report.parity {
        writeln!(out, "\n{} against {}", p.a, p.b)?;
        writeln!(
            out,
            "  cosine of the same passage   mean {:.7}, lowest {:.6}",
            p.mean_cosine, p.min_cosine
        )?;
        writeln!(
            out,
            "  |Δ cosine| of two passages   mean {:.7}, highest {:.6}",
            p.mean_difference, p.max_difference
        )?;
        writeln!(out, "  decisions that differ        {} of {}", p.flips, p.stories)?;
    }
    Ok(())
}

fn subject(s: &SubjectResult, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "\n{} × {}  ({})", s.name, s.threads, s.device)?;
    writeln!(
        out,
        "  {:<18} {:>9} {:>10} {:>23} {:>11} {:>8} {:>8} {:>8} {:>9} {:>8}",
        "length",
        "passages",
        "tokens/s",
        "[low to high]",
        "passages/s",
        "MB/s",
        "tokeniz.",
        "padding",
        "GFLOP/s",
        "ceiling"
    )?;
    for l in &s.lengths {
        let t = l.tokens_per_second;
        writeln!(
            out,
            "  {:<18} {:>9} {:>10.0} {:>23} {:>11.0} {:>8.2} {:>7.1} % {:>6.1} % {:>9.0} {:>8}",
            l.name(),
            l.passages,
            t.median,
            format!("[{:.0} to {:.0}]", t.min, t.max),
            l.passages_per_second.median,
            l.megabytes_per_second.median,
            l.tokenizing * 100.0,
            l.padding * 100.0,
            l.gflops,
            l.ceiling_share.map_or("–".into(), |share| format!("{:.1} %", share * 100.0))
        )?;
    }
    let q = s.query_ms;
    writeln!(
        out,
        "  one short query    p50 {:.2} ms, p95 {:.2} ms, p99 {:.2} ms ({} queries)",
        q.p50, q.p95, q.p99, q.queries
    )?;
    if let Some(c) = s.cold_start_ms {
        writeln!(
            out,
            "  cold start         {:.0} ms [{:.0} to {:.0}] from a new process to its first vector and end",
            c.median, c.min, c.max
        )?;
    }
    match s.peak_memory_mb {
        Some(peak) => writeln!(out, "  peak memory        {peak:.0} MB, of the whole process so far"),
        None => writeln!(out, "  peak memory        not reported by this system"),
    }
}

/// Each subject as a multiple of the slowest one.
fn speedups(report: &BenchReport, out: &mut dyn Write) -> io::Result<()> {
    let all = |s: &SubjectResult| s.lengths.last().map_or(0.0, |l| l.tokens_per_second.median);
    let Some(slowest) = report.subjects.iter().min_by(|a, b| all(a).total_cmp(&all(b))) else {
        return Ok(());
    };
    if report.subjects.len() < 2 {
        return Ok(());
    }
    writeln!(out, "\nall lengths, as multiples of {} × {}", slowest.name, slowest.threads)?;
    for s in &report.subjects {
        writeln!(out, "  {:<18} {:.2}", format!("{} × {}", s.name, s.threads), all(s) / all(slowest))?;
    }
    Ok(())
}

/// What differs from an earlier run.
pub fn changes(changes: &[MetricChange], out: &mut dyn Write) -> io::Result<()> {
    if changes.is_empty() {
        return writeln!(out, "\nThe earlier run measured nothing that this one did.");
    }
    writeln!(out, "\nAgainst the earlier run")?;
    let show = |s: Summary| format!("{:.0} [{:.0} to {:.0}]", s.median, s.min, s.max);
    for change in changes {
        writeln!(
            out,
            "  {:<44} {} → {}: {:.2} times, {}",
            change.metric,
            show(change.baseline),
            show(change.current),
            change.ratio(),
            match (change.noise_known, change.exceeds_noise) {
                (false, _) => "of one round, so how much is noise is not known",
                (true, true) => "beyond the noise",
                (true, false) => "within the noise",
            }
        )?;
    }
    Ok(())
}
