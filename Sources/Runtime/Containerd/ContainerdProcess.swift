import Host
import Support

/// A containerd that runs: our child, or one that an earlier run of ours left.
enum ContainerdProcess: Sendable {
    case child(ChildProcess)
    case adopted(ProcessIdentity)

    var pid: Int32 {
        switch self {
        case .child(let child): child.pid
        case .adopted(let identity): identity.pid
        }
    }

    var isAdopted: Bool {
        if case .adopted = self { true } else { false }
    }

    /// Suspends until it has ended and says how. Throws when the task is cancelled.
    func waitForEnd() async throws -> String {
        switch self {
        case .child(let child): return try await child.wait().description
        case .adopted(let identity):
            guard try await identity.waitForEnd() else { throw CancellationError() }
            return "its exit code is not known, since an earlier k3s had started it"
        }
    }

    func send(_ signal: Signal) throws(Fault) {
        switch self {
        case .child(let child): try child.send(signal)
        case .adopted(let identity): try identity.send(signal)
        }
    }

    /// Asks it to end and, after `grace`, makes it. Returns when it has ended.
    func stop(grace: Duration) async throws {
        try send(.terminate)
        let process = self
        try await withThrowingTaskGroup { group in
            group.addTask { _ = try await process.waitForEnd() }
            group.addTask {
                try await Task.sleep(for: grace)
                try process.send(.kill)
                _ = try await process.waitForEnd()
            }
            _ = try await group.next()
            group.cancelAll()
        }
    }
}
