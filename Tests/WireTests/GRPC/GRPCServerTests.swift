import Glibc
import Support
import Synchronization
import Testing

@testable import Wire

@Suite(.timeLimit(.minutes(1)))
struct GRPCServerTests {
    /// Runs a server in a folder of its own while `body` runs with its socket.
    static func serve(
        _ methods: [String: GRPCMethod], limits: GRPCServer.Limits = .init(),
        _ body: @escaping @Sendable (String) async throws -> Void
    ) async throws {
        try await withSocketPath { path in
            let bell = Bell()
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await GRPCServer(methods, limits: limits).run(at: path) { bell.ring() } }
                group.addTask {
                    await bell.wait()
                    try await body(path)
                }
                try await group.next()
                group.cancelAll()
                while (try? await group.next()) != nil {}
            }
        }
    }

    private static let echo = GRPCMethod.unary { Array($0.reversed()) }

    @Test func `a method answers the message it is sent`() async throws {
        try await Self.serve(["/test.Echo/Say": Self.echo]) { path in
            let client = GRPCClient(.unix(path))
            for _ in 0..<3 {
                let reply = try await client.unary("/test.Echo/Say", [1, 2, 3])
                #expect(reply.message == [3, 2, 1])
            }
            let empty = try await client.unary("/test.Echo/Say", [])
            #expect(empty.message == [])
        }
    }

    @Test func `what a method throws is how the call ends, in any letters`() async throws {
        let methods: [String: GRPCMethod] = [
            "/a/refuses": .unary { _ in throw GRPCStatus(.failedPrecondition, "no: 100 % of \n it is über") },
            "/a/fails": .unary { _ in throw Fault(.failed, "out of order") },
        ]
        try await Self.serve(methods) { path in
            let client = GRPCClient(.unix(path))
            let refused = await #expect(throws: GRPCStatus.self) { try await client.unary("/a/refuses", [1]) }
            #expect(refused?.code == .failedPrecondition && refused?.message == "no: 100 % of \n it is über")
            let failed = await #expect(throws: GRPCStatus.self) { try await client.unary("/a/fails", [1]) }
            #expect(failed?.code == .unknown && failed?.message.contains("out of order") == true)
            let unknown = await #expect(throws: GRPCStatus.self) { try await client.unary("/a/other", [1]) }
            #expect(unknown?.code == .unimplemented && unknown?.message == "unknown method /a/other")
        }
    }

    @Test func `a stream of answers larger than any window comes whole`() async throws {
        let big = (0..<300_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        let methods: [String: GRPCMethod] = [
            "/a/many": .stream { message, answer in for _ in 0..<4 { try await answer.write(message) } }
        ]
        try await Self.serve(methods) { path in
            let client = GRPCClient(.unix(path))
            let all = try await client.serverStream("/a/many", big) { messages in
                var all: [[UInt8]] = []
                while let message = try await messages.next() { all.append(message) }
                return all
            }
            #expect(all == Array(repeating: big, count: 4))
        }
    }

    @Test func `a method learns that its caller is gone`() async throws {
        let (ends, ended) = AsyncStream<Bool>.makeStream()
        let methods: [String: GRPCMethod] = [
            "/a/watch": .stream { _, answer in
                try await answer.write([1])
                try? await Task.sleep(for: .seconds(50))
                ended.yield(Task.isCancelled)
            }
        ]
        try await Self.serve(methods) { path in
            let client = GRPCClient(.unix(path))
            _ = try await client.serverStream("/a/watch", [0]) { try await $0.next() }
            for await isCancelled in ends {
                #expect(isCancelled)
                return
            }
        }
    }

    @Test func `a message that is too long is refused, and the next call served`() async throws {
        var limits = GRPCServer.Limits()
        limits.messageSize = 1000
        try await Self.serve(["/test.Echo/Say": Self.echo], limits: limits) { path in
            let client = GRPCClient(.unix(path))
            let long = [UInt8](repeating: 7, count: 1001)
            let refused = await #expect(throws: GRPCStatus.self) {
                try await client.unary("/test.Echo/Say", long)
            }
            #expect(refused?.code == .resourceExhausted)
            let reply = try await client.unary("/test.Echo/Say", [1, 2])
            #expect(reply.message == [2, 1])
        }
    }

    @Test func `a server that ends takes its calls with it, and another takes its socket over`() async throws
    {
        try await withSocketPath { path in
            let begun = Bell()
            let methods: [String: GRPCMethod] = [
                "/a/hangs": .stream { _, answer in
                    try await answer.write([1])
                    try? await Task.sleep(for: .seconds(50))
                }
            ]
            let server = Task { try await GRPCServer(methods).run(at: path) { begun.ring() } }
            await begun.wait()
            let client = GRPCClient(.unix(path))
            let lost = await #expect(throws: GRPCStatus.self) {
                try await client.serverStream("/a/hangs", [0]) { messages in
                    _ = try await messages.next()
                    server.cancel()
                    _ = try await messages.next()
                }
            }
            #expect(lost?.code == .unavailable)
            try await server.value
            let next = Task { try await GRPCServer(["/test.Echo/Say": Self.echo]).run(at: path) { begun.ring() } }
            await begun.wait()
            let reply = try await client.unary("/test.Echo/Say", [1, 2])
            #expect(reply.message == [2, 1])
            next.cancel()
            try await next.value
        }
    }
}
