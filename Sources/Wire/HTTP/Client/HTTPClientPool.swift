import NIOCore
import Synchronization

/// Bounds and time-outs of a client.
public struct HTTPClientLimits: Sendable {
    public var connectTimeout: Duration = .seconds(10)
    /// How long a connection is kept without a request; less than servers keep it (Go's figure).
    public var idleTimeout: Duration = .seconds(90)
    /// Connections without a request that are kept for each origin.
    public var idlePerOrigin = 8

    public init() {}
}

/// A connection that can be asked to carry a request.
struct HTTPClientLease: Sendable {
    let connection: NIOLoopBound<HTTPClientConnection>
    let channel: any Channel
    /// Whether it has carried one before, and may have been closed by the server since.
    var isReused = false
}

/// The connections of a client that wait for their next request, newest first.
final class HTTPClientPool: Sendable {
    private struct State {
        var idle: [HTTPOrigin: [ObjectIdentifier: HTTPClientLease]] = [:]
        var order: [HTTPOrigin: [ObjectIdentifier]] = [:]
        var isClosed = false
    }

    let limits: HTTPClientLimits
    private let state = Mutex(State())

    init(limits: HTTPClientLimits) { self.limits = limits }

    /// Takes an idle connection out, the one that was used last.
    func take(_ origin: HTTPOrigin) -> HTTPClientLease? {
        state.withLock { state in
            while let id = state.order[origin]?.popLast() {
                if state.order[origin]?.isEmpty == true { state.order[origin] = nil }
                guard var lease = state.idle[origin]?.removeValue(forKey: id), lease.channel.isActive else {
                    continue
                }
                if state.idle[origin]?.isEmpty == true { state.idle[origin] = nil }
                lease.isReused = true
                return lease
            }
            return nil
        }
    }

    /// Keeps a connection for the next request, or closes it when enough are kept. Called on its event loop.
    func put(_ lease: HTTPClientLease, _ origin: HTTPOrigin) {
        let isKept = state.withLock { state in
            guard !state.isClosed, state.idle[origin]?.count ?? 0 < limits.idlePerOrigin else { return false }
            let id = ObjectIdentifier(lease.connection.value)
            state.idle[origin, default: [:]][id] = lease
            state.order[origin, default: []].append(id)
            return true
        }
        if !isKept { lease.channel.close(promise: nil) }
    }

    /// A connection has closed.
    func remove(_ id: ObjectIdentifier, _ origin: HTTPOrigin) {
        state.withLock { state in
            guard state.idle[origin]?.removeValue(forKey: id) != nil else { return }
            state.order[origin]?.removeAll { $0 == id }
            if state.idle[origin]?.isEmpty == true {
                state.idle[origin] = nil
                state.order[origin] = nil
            }
        }
    }

    /// Closes what is idle, and from now on whatever becomes idle.
    func close() {
        let idle = state.withLock { state in
            state.isClosed = true
            defer { (state.idle, state.order) = ([:], [:]) }
            return state.idle.values.flatMap(\.values)
        }
        for lease in idle { lease.channel.close(promise: nil) }
    }
}
