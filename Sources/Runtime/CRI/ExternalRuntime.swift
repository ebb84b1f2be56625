public import Logging
import Support

/// A container runtime that somebody else runs, behind a socket (`--container-runtime-endpoint`): nothing is started, written
/// or imported for it.
public struct ExternalRuntime: Sendable {
    private let client: CRIClient
    private let socket: String
    private let log: Logger
    /// Between two attempts.
    var pause = Duration.seconds(5)

    public init(socket: String, logger: Logger) {
        (self.socket, log) = (socket, logger)
        client = CRIClient(socket: socket)
    }

    /// Waits until it answers, for as long as that takes, and gives its client. Who waits in vain is told once.
    public func answering() async throws -> CRIClient {
        var isTold = false
        while true {
            do {
                try await client.untilAnswers(within: .seconds(1))
                return client
            } catch let fault as Fault {
                if !isTold { log.warning("waiting for the container runtime at \(socket): \(fault.cause ?? fault)") }
                isTold = true
            }
            try await Task.sleep(for: pause)
        }
    }

    public func close() { client.close() }
}
