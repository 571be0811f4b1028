//! The keys of a phase.

use crate::scenario::Text;
use crate::scenario::keys::{Shape, written};
use crate::scenario::shape::present;

written! {
    /// One entry of `phases`.
    pub struct WrittenPhase {
        required {
            /// The label `phase`: 1 to 32 of a-z 0-9 _ -, each once.
            name: Text = Shape::Named("operationName");
        }
        with "present" {
            /// How long; only the last may leave it out, and then lasts for ever.
            r#for: Option<Text> = Shape::Named("duration");
            /// Of all rates: 25%, or 25%..100% along a straight line. By default 100%.
            scale: Option<Text> = Shape::Named("scale");
            /// The rate of the operations with a weight, before the scale. By default the file's.
            rate: Option<Text> = Shape::Named("rate");
            /// A threshold that must hold before the phase begins.
            gate: Option<Text> = Shape::Named("text");
            /// How long may be waited for that. By default 1m.
            gate_timeout: Option<Text> = Shape::Named("duration");
        }
    }
}
