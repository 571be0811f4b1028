//! What each cause has to raise while it is there or after it, and nothing else. As `Name window protocol operation`.

use super::causes::Cause;

pub(super) fn of(cause: Cause) -> &'static [&'static str] {
    match cause {
        Cause::None | Cause::Asked => &[],
        Cause::Ruled => &["FaultsInjected"],
        // Requests, answers and connections are told apart, and only those are named that it hits. The target knows nothing of it.
        Cause::Lossy => &[
            "AnswerLoss dns_udp mute",
            "ErrorBudgetBurn 1h dns_udp",
            "ErrorBudgetBurn 1h http",
            "ErrorBudgetBurn 1h udp",
            "ErrorBudgetBurn 6h dns_udp",
            "ErrorBudgetBurn 6h http",
            "ErrorBudgetBurn 6h udp",
            "PathLoss http cut",
            "PathLoss udp lost",
            "SidesDisagree dns_udp",
            "SidesDisagree http",
            "SidesDisagree udp",
        ],
        // Nothing of the path, of which nothing is known.
        Cause::InjectorHalted => &["InjectorDown"],
        // What was sent to nobody is no loss: who could tell is gone. TCP says at once that nobody is there, and sends nothing.
        Cause::TargetKilled => &[
            "ConnectFailures dns_udp",
            "ConnectFailures grpc",
            "ConnectFailures http",
            "ConnectFailures tcp",
            "ConnectFailures udp",
            "ErrorBudgetBurn 1h dns_udp",
            "ErrorBudgetBurn 1h grpc",
            "ErrorBudgetBurn 1h http",
            "ErrorBudgetBurn 1h tcp",
            "ErrorBudgetBurn 1h udp",
            "ErrorBudgetBurn 6h dns_udp",
            "ErrorBudgetBurn 6h grpc",
            "ErrorBudgetBurn 6h http",
            "ErrorBudgetBurn 6h tcp",
            "ErrorBudgetBurn 6h udp",
            "FatesUnknown dns_udp",
            "FatesUnknown udp",
            "TargetDown",
        ],
    }
}
