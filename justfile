# The main job on the demo corpus
demo:
    cargo run --release -- dedup tests/data/wire

# The tests
test:
    cargo test

# Everything that must hold before a change lands
ci:
    .ci/run
