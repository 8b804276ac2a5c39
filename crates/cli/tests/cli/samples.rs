//! Console sessions that stand in files, the documentation among them: `tests/samples/*.trycmd`.

use crate::support::repository;

#[test]
fn sessions_show_what_the_program_prints() {
    let samples = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/samples/*.trycmd");
    // No other test depends on the folder that it runs in.
    std::env::set_current_dir(repository()).unwrap();
    trycmd::TestCases::new().case(samples.to_str().unwrap());
}
