import Support
import Wire

/// How one run of a probe ended.
enum ProbeOutcome: Hashable, Sendable {
    case success
    /// As good as a success, and worth telling; in the words that Kubernetes has for it.
    case warning(String)
    /// The container answered wrongly or not at all; in the words that Kubernetes has for it.
    case failure(String)
    /// The probe itself could not be made: this says nothing of the container.
    case unknown(String)

    var isSuccess: Bool {
        switch self {
        case .success, .warning: true
        case .failure, .unknown: false
        }
    }
}

/// Runs one probe. Apart from the loop, so that tests say what comes of it.
protocol ProbeChecker: Sendable {
    func check(_ action: ProbeAction, containerID: String, timeout: Duration) async -> ProbeOutcome
}

enum ProbeText {
    /// Why a connection could not be made, as Go prints it: people grep their logs for it.
    static func dialFailure(_ error: any Error, _ address: String) -> String {
        let fault = error as? Fault
        if let failure = fault?.cause as? ConnectionFailure { return failure.description }
        if fault?.code == .timedOut { return "dial tcp \(address): i/o timeout" }
        return "dial tcp \(address): \(fault?.summary ?? String(describing: error))"
    }
}
