//! The command line's words, as data: `tests/cli/*.trycmd`.

#[test]
fn commands_say_what_the_files_say() {
    trycmd::TestCases::new().case("tests/cli/*.trycmd");
}
