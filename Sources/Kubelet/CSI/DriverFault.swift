import Support
import Wire

/// What is under way and will be told of when it has ended: nothing has failed. The cause of the fault that says so.
struct UnderWay: Error, Hashable {}

extension Fault {
    static func underWay(_ what: String) -> Fault { Fault(.unavailable, what, cause: UnderWay()) }

    var isUnderWay: Bool { cause is UnderWay }

    /// What a driver answered, in the words that events have for it.
    var asTold: String {
        guard let status = cause as? GRPCStatus else { return summary }
        return status.textOfGo
    }

    /// Whether what was asked of a driver surely is not done, and not being done: of a call that was broken off, nobody
    /// knows.
    var isFinal: Bool {
        guard let status = cause as? GRPCStatus else { return true }
        let open: Set<GRPCStatus.Code> = [.cancelled, .deadlineExceeded, .unavailable, .resourceExhausted, .aborted]
        return !open.contains(status.code)
    }

    /// The same, of a step of Kubernetes' (`MountVolume.SetUp`) with a volume.
    func of(_ step: String, _ volume: String) -> Fault {
        var fault = self
        fault.summary = "\(step) failed for volume \(QuotedText.quoted(volume)) : \(asTold)"
        return fault
    }
}
