//! The numbers by which a store knows stories, rows, groups and runs.

use std::fmt;

use rusqlite::types::{FromSql, FromSqlResult, ToSql, ToSqlOutput, ValueRef};
use serde::Serialize;

/// Declares the type of a primary key: numbers start at 1 and are never reused.
macro_rules! number {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        #[serde(transparent)]
        pub struct $name(pub i64);

        impl $name {
            /// The lowest number.
            pub const FIRST: Self = $name(1);
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl ToSql for $name {
            fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
                self.0.to_sql()
            }
        }

        impl FromSql for $name {
            fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
                i64::column_result(value).map($name)
            }
        }

        impl Number for $name {
            fn new(number: i64) -> Self {
                $name(number)
            }

            fn get(self) -> i64 {
                self.0
            }
        }
    };
}

/// A number that items are stored under, for code that works on any of them.
pub trait Number: Copy + Ord + fmt::Debug {
    /// The number with this value.
    fn new(number: i64) -> Self;

    /// Its value.
    fn get(self) -> i64;
}

number! {
    /// The number of a story in a store. Later stories have higher numbers.
    StoryNumber
}

number! {
    /// The number of a row, one distinct passage text, in a store.
    RowNumber
}

number! {
    /// The number of a group in a store.
    GroupNumber
}

number! {
    /// The number of a run that changed a store.
    RunNumber
}
