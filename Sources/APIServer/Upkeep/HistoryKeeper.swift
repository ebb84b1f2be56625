import Datastore
import Logging

/// Keeps the log's history short: when enough new revisions have come, all but the newest are forgotten.
///
/// Caused by writes, never by time: an idle cluster compacts nothing. The bounds are in revisions, because that is what a
/// watch that resumes needs and what disk space follows from.
struct HistoryKeeper: Sendable {
    /// How much history stays, and how much may gather before some is dropped.
    struct Limits: Sendable {
        /// As many as k3s keeps.
        var kept: Revision = 1000
        var gathered: Revision = 4000
    }

    let log: ObjectLog
    let datastore: any Datastore
    let report: Logger
    var limits = Limits()

    /// Up to which revision history shall be dropped now; `nil` when too little has gathered.
    static func target(current: Revision, compacted: Revision, _ limits: Limits) -> Revision? {
        guard current - compacted >= limits.gathered else { return nil }
        return current - limits.kept
    }

    /// Runs until the task is cancelled.
    func run() async {
        let advances = log.advances(by: max(1, limits.gathered / 8))
        // What gathered before this run.
        await dropHistory()
        for await _ in advances { await dropHistory() }
    }

    private func dropHistory() async {
        let target = Self.target(
            current: datastore.currentRevision, compacted: datastore.compactedRevision, limits)
        guard let target else { return }
        do throws(DatastoreError) {
            try await datastore.compact(upTo: target)
            report.debug("history up to revision \(target) is dropped")
        } catch {
            report.warning("history cannot be dropped: \(error)")
        }
    }
}
