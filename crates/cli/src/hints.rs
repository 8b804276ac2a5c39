//! From an error of the library to the next step for the user, in the words of the command line.

use std::io::ErrorKind;

use samestory::{
    Error,
    device::Isa,
    error::{DeviceFault, FileKind, Setting, StoreFault, StreamFault},
};

const DECISIONS: &str = "a decision is a line {\"schema\":1,\"a\":\"ID\",\"b\":\"ID\",\"decision\":\"same\" or \"different\"}, \
     or {\"schema\":1,\"id\":\"ID\",\"decision\":\"canonical\"}";

const REPORT: &str = "this is a fault of samestory: please report it";

/// What went wrong, with settings under the names of their options.
pub fn message(error: &Error) -> String {
    match error {
        Error::Setting { setting, message } => match option(*setting) {
            Some(option) => format!("{option}: {message}"),
            None => error.to_string(),
        },
        Error::FieldNotFound { field, path, .. } => format!("--field {field}={path}: {error}"),
        _ => error.to_string(),
    }
}

/// The option that a setting is given by.
fn option(setting: Setting) -> Option<&'static str> {
    Some(match setting {
        Setting::Field => "--field",
        Setting::Keep => "--keep",
        Setting::Remove => "--remove",
        Setting::MinCoverage => "--min-coverage",
        Setting::Precision => "--precision",
        Setting::Rules => "--rules",
        Setting::Threads => "--threads",
        _ => return None,
    })
}

/// The next step, if there is one to name.
pub fn hint(error: &Error) -> Option<String> {
    let hint = match error {
        Error::Io { action, source, .. } => return Some(of_io(action, source)),
        Error::ModelMissing { path } if path.as_os_str() == crate::runtime::BUILT_IN => {
            "this build has no model inside: give --model a folder, or build with default features"
        }
        Error::ModelMissing { .. } => {
            "a model folder holds config.json, tokenizer.json and model.safetensors; leave --model out for the built-in model"
        }
        Error::ModelNotFound { name } => {
            return Some(format!(
                "it is neither a folder nor in the local Hugging Face cache. samestory model fetch {name} downloads it \
                 (in a build with the feature hub); or put config.json, tokenizer.json and model.safetensors into a \
                 folder and give that to --model"
            ));
        }
        Error::ModelName { .. } => "give a folder that exists, or leave --model out for the built-in model",
        Error::Download { .. } => {
            "check the id and the network, or get the files by hand and give their folder to --model"
        }
        Error::Model { .. } => "get the model again: samestory model verify <folder> checks every file",
        Error::Device { fault, .. } => return Some(of_device(*fault)),
        Error::Compute { source, .. } => {
            // candle puts a backtrace below its message.
            let text = source.to_string();
            let first = text.lines().next().unwrap_or_default();
            return Some(format!("{first}; --device cpu works everywhere"));
        }
        Error::OutOfMemory { .. } => "free some of it, or use --device cpu",
        Error::Setting { setting, .. } => return of_setting(*setting).map(String::from),
        Error::File { kind, .. } | Error::Line { kind, .. } => return of_file(*kind).map(String::from),
        Error::DecisionConflict { .. } => "delete this line, or one of the others that name these stories",
        Error::Serialize { .. } => REPORT,
        Error::Stream { stream, fault, .. } => return of_stream(stream, *fault),
        Error::Store { fault, .. } => return Some(of_store(fault)),
        Error::StoreBusy { .. } => "run again when it is done; reading goes on meanwhile",
        Error::Stopped { .. } => "run the same command again: it goes on there",
        Error::OutputFormat { .. } => {
            "name a file .jsonl, .json, .csv, .tsv or .parquet; the first four also .gz"
        }
        Error::FieldNotFound { .. } => {
            "write the name as the records have it; a path into objects has dots, as in text=article.body"
        }
        Error::UnknownStory { .. } => "samestory index export lists the ids of a store",
        _ => return None,
    };
    Some(hint.into())
}

fn of_io(action: &str, source: &std::io::Error) -> String {
    match source.kind() {
        ErrorKind::NotFound => "check the path".into(),
        ErrorKind::PermissionDenied => format!("you have no permission to {action} it"),
        ErrorKind::StorageFull => "the disk is full: free some space and run again".into(),
        ErrorKind::AlreadyExists => "there is a file of this name: give another name".into(),
        ErrorKind::NotADirectory => "what should be a folder on this path is a file".into(),
        ErrorKind::IsADirectory => "it is a folder: give a file".into(),
        _ => source.to_string(),
    }
}

fn of_device(fault: DeviceFault) -> String {
    let next = match fault {
        DeviceFault::NotBuilt("yardstick") => return "build with --features yardstick".into(),
        DeviceFault::NotBuilt(feature) => {
            return format!("build with --features {feature}, or use --device cpu");
        }
        DeviceFault::UnknownName => {
            return "devices are cuda, cuda:1 (the second GPU) and so on, metal".into();
        }
        DeviceFault::InstructionSet => {
            let available: Vec<_> = Isa::available().into_iter().map(Isa::name).collect();
            return format!("this processor has {}", available.join(", "));
        }
        DeviceFault::WrongValues => {
            return "SAMESTORY_CPU=portable computes without special instructions; please report this".into();
        }
        DeviceFault::MemoryTaken => "see with nvidia-smi what else runs there",
        DeviceFault::NoDriver => "install the driver",
        DeviceFault::NoLibrary => {
            "install the CUDA libraries of this build's version where the loader finds them (LD_LIBRARY_PATH)"
        }
        DeviceFault::NoGpu => "see what nvidia-smi -L lists",
        DeviceFault::DriverMismatch => "restart the machine or install the driver again",
        DeviceFault::OldDriver => "update the driver",
        _ => "see whether other programs can use it",
    };
    format!("{next}, or use --device cpu")
}

fn of_setting(setting: Setting) -> Option<&'static str> {
    Some(match setting {
        Setting::Field => {
            "write NAME=PATH with one of id, title, text, published, source, url, as in text=article.body"
        }
        Setting::Keep => {
            "one of origin, earliest, latest, longest, first, or source:A,B with sources in the order you trust them"
        }
        Setting::MinCoverage => "give a number between 0 and 1, as in --min-coverage 0.7",
        Setting::Precision => "leave --precision out",
        Setting::Rules => {
            "run without --reuse-pairs: that finds the cosines that mean the same to this model"
        }
        Setting::Threads => "ask for fewer threads",
        _ => return None,
    })
}

fn of_file(kind: FileKind) -> Option<&'static str> {
    Some(match kind {
        FileKind::Boilerplate => "an entry is [[passage]] with text = \"…\" and exclude = true or false",
        FileKind::Decisions => DECISIONS,
        FileKind::Pairs => "write the pairs anew: samestory dedup PATHS --pairs FILE",
        FileKind::RuleTable => "give a file that samestory calibrate wrote",
        _ => return None,
    })
}

fn of_stream(stream: &str, fault: StreamFault) -> Option<String> {
    let hint = match fault {
        StreamFault::NotArrow => "write it with pyarrow.ipc.new_stream, or take it from the worker before",
        StreamFault::Truncated => "run the worker that writes it again",
        StreamFault::OtherStream => {
            return Some(format!(
                "this worker reads {stream}: connect it to the worker that writes that, of the same version of samestory"
            ));
        }
        StreamFault::TextVersion => "ingest again with this version of samestory",
        StreamFault::OtherModel => "give every worker the same --model and --precision, or embed again",
        StreamFault::Columns => {
            "samestory worker describe --stream NAME writes an empty stream with the right schema"
        }
        StreamFault::Values => "samestory worker describe shows what each column must hold",
        StreamFault::StoryCount => "put the number of stories there that the words were counted in",
        _ => return None,
    };
    Some(hint.into())
}

fn of_store(fault: &StoreFault) -> String {
    let hint = match fault {
        StoreFault::Missing => "samestory index add PATHS --store FOLDER makes one",
        StoreFault::Version => "use the samestory that wrote it, or a newer one",
        StoreFault::OtherModel { model } => {
            return format!(
                "give with --model the folder or the id of {model}, or move the store: samestory index rebuild --model MODEL, \
                 with the one that is wanted"
            );
        }
        StoreFault::OtherPrecision => {
            "give the --precision that it was made with, or move the store: samestory index rebuild with the --precision \
             that is wanted; if neither helps, the model's files are other ones"
        }
        StoreFault::Records => {
            "samestory index export saves what can be read; then make a new store from the sources"
        }
        StoreFault::Damaged => {
            "the file is damaged: samestory index export --store FOLDER saves what can be read; then move the folder \
             away and add the sources again"
        }
        StoreFault::Schema => {
            "another program has changed it, or made it: what it holds is not read, for it could run when the store is read. \
             Use a copy from before, or make a new store from the sources"
        }
        StoreFault::DiskFull => "the disk is full: free some space and run again",
        StoreFault::ReadOnly => {
            "the folder of the store cannot be written, or a log of changes waits beside the file that has to be written back: \
             let a user who may write there run samestory index info once"
        }
        StoreFault::Locked => "another program holds it: run again when that is done",
        StoreFault::DecisionConflict => {
            "decide one of the pairs that join them anew, as \"different\", in the same file"
        }
        _ => "run again; samestory index verify looks at the whole store",
    };
    hint.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hint_of_a_failed_computation_has_no_stack_frames() {
        let source = "no such kernel\n   0: a::frame".into();
        let hint = hint(&Error::Compute { device: "cuda".into(), source });
        assert_eq!(hint.unwrap(), "no such kernel; --device cpu works everywhere");
    }

    #[test]
    fn a_setting_is_named_by_its_option() {
        let error = Error::Setting { setting: Setting::Keep, message: "\"newest\" is no policy".into() };
        assert_eq!(message(&error), "--keep: \"newest\" is no policy");
        assert!(hint(&error).unwrap().contains("latest"));
    }
}
