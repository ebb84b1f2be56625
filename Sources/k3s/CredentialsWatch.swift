import Logging
import Supervisor
import Support
import Synchronization

/// Tells when a running server must begin anew because of its certificates: they get old, or the clock was set so that
/// they are not valid. Of a short start containers and their programs notice nothing, and it is the one way by which
/// everything that holds a certificate gets the next one.
final class CredentialsWatch: Sendable {
    /// Where nobody tells of a clock that was set, it is noticed after this long.
    private static let longest = Duration.seconds(86_400)

    private let credentials: ServerCredentials
    private let log: Logger
    private let bell = Bell()
    private let mustBegin = Mutex(false)

    init(_ credentials: ServerCredentials, log: Logger) {
        self.credentials = credentials
        self.log = log
    }

    /// Whether the server shall begin anew when it has stopped.
    var mustBeginAnew: Bool { mustBegin.withLock(\.self) }

    /// The clock was set.
    func look() { bell.ring() }

    /// Returns when the server must begin anew, or when the task is cancelled.
    func run() async {
        // Another start would not help those that are so short-lived.
        let isHelpful = !credentials.isWorn(at: .now)
        while !Task.isCancelled {
            if isHelpful, credentials.isWorn(at: .now) {
                log.warning("certificates are due: k3s begins anew")
                return mustBegin.withLock { $0 = true }
            }
            let rest = credentials.renewal.map { $0 - .now } ?? Self.longest
            await bell.wait(atMost: min(max(rest, .seconds(1)), Self.longest), tolerance: .seconds(1))
        }
    }
}
