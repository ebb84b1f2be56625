import Logging
import Support
import Synchronization

@testable import Wire

/// Answers with a closure.
struct ClosureHandler: HTTPHandler {
    let body: @Sendable (HTTPRequest, HTTPExchange) -> Void
    /// Is set when a handshake has failed.
    var failedHandshake: Latch<Bool>?
    func handshakeFailed() { failedHandshake?.set(true) }
    func handle(_ request: HTTPRequest, _ exchange: HTTPExchange) { body(request, exchange) }
}

/// Runs a server on a free loopback port for as long as the body runs.
@discardableResult
func withServer<R: Sendable>(
    certificates: (any CertificateSource)? = nil, limits: HTTPServerLimits = HTTPServerLimits(),
    on address: HTTPAddress = .tcp(host: "127.0.0.1", port: 0), failedHandshake: Latch<Bool>? = nil,
    _ handler: @escaping @Sendable (HTTPRequest, HTTPExchange) -> Void,
    _ body: @Sendable (HTTPServer, HTTPAddress) async throws -> R
) async throws -> R {
    let server = HTTPServer(
        handler: ClosureHandler(body: handler, failedHandshake: failedHandshake), limits: limits,
        log: Logger(label: "test"))
    let bound = try await server.listen(on: address, certificates: certificates)
    return try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { await server.run() }
        let result: Result<R, any Error>
        do {
            result = .success(try await body(server, bound))
        } catch {
            result = .failure(error)
        }
        await server.stop(within: .zero)
        try await group.waitForAll()
        return try result.get()
    }
}

extension HTTPAddress {
    var port: Int { if case .tcp(_, let port) = self { port } else { 0 } }
}

/// A value that is set once and waited for.
final class Latch<Value: Sendable>: Sendable {
    private let state = Mutex<(value: Value?, waiters: [CheckedContinuation<Value, Never>])>((nil, []))

    func set(_ value: Value) {
        let waiters = state.withLock { state in
            if state.value == nil { state.value = value }
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter.resume(returning: value) }
    }

    var value: Value {
        get async {
            await withCheckedContinuation { continuation in
                let known = state.withLock { state in
                    if state.value == nil { state.waiters.append(continuation) }
                    return state.value
                }
                if let known { continuation.resume(returning: known) }
            }
        }
    }
}
