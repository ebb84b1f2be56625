import NIOCore
import NIOHPACK
import NIOHTTP2
import Support
import Synchronization
import Testing

@testable import Wire

@Suite struct GRPCClientTests {
    @Test func `a unary call sends a message and gets the one that answers it`() async throws {
        try await GRPCTestServer.run { exchange in
            #expect(exchange.path == "/test.Echo/Say")
            #expect(exchange.headers.first(name: ":scheme") == "http")
            #expect(exchange.headers.first(name: "te") == "trailers")
            #expect(exchange.headers.first(name: "content-type") == "application/grpc")
            #expect(exchange.headers.first(name: "x-who") == "me")
            #expect(exchange.headers.first(name: "grpc-timeout") == nil)
            try await exchange.send([
                ":status": "200", "content-type": "application/grpc", "x-from": "server",
            ])
            try await exchange.send(message: exchange.messages[0].reversed())
            try await exchange.send(["grpc-status": "0", "x-cost-bin": "AQI"], isEnd: true)
        } body: { path in
            let client = GRPCClient(.unix(path))
            let reply = try await client.unary("/test.Echo/Say", [1, 2, 3], metadata: ["X-Who": "me"])
            #expect(reply.message == [3, 2, 1])
            #expect(reply.metadata.first("x-from") == "server")
            #expect(reply.trailers.firstBinary("x-cost-bin") == [1, 2])
        }
    }

    @Test func `many calls share one connection`() async throws {
        let connections = Mutex(Set<ObjectIdentifier>())
        try await GRPCTestServer.run { exchange in
            _ = connections.withLock { $0.insert(ObjectIdentifier(exchange.connection)) }
            try await exchange.begin()
            try await exchange.send(message: exchange.messages[0])
            try await exchange.end(0)
        } body: { path in
            let client = GRPCClient(.unix(path))
            try await withThrowingTaskGroup { group in
                // More than the 100 streams that the server allows at a time.
                for number in UInt8(0)..<250 {
                    group.addTask {
                        let reply = try await client.unary("/a/b", [number])
                        #expect(reply.message == [number])
                    }
                }
                try await group.waitForAll()
            }
        }
        #expect(connections.withLock { $0.count } == 1)
    }

    @Test func `a message larger than any window passes both ways`() async throws {
        let big = (0..<1_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        try await GRPCTestServer.run { exchange in
            try await exchange.begin()
            try await exchange.send(message: exchange.messages[0])
            try await exchange.end(0)
        } body: { path in
            let reply = try await GRPCClient(.unix(path)).unary("/a/b", big)
            #expect(reply.message == big)
        }
    }

    @Test func `a message above the limit ends the call`() async throws {
        try await GRPCTestServer.run { exchange in
            try await exchange.begin()
            try await exchange.send(message: [UInt8](repeating: 0, count: 1001))
            try await exchange.end(0)
        } body: { path in
            var limits = GRPCClient.Limits()
            limits.messageSize = 1000
            let client = GRPCClient(.unix(path), limits: limits)
            let status = try await status { try await client.unary("/a/b", []) }
            #expect(status.code == .resourceExhausted)
        }
    }

    @Test func `an error that comes instead of an answer is thrown with its message`() async throws {
        try await GRPCTestServer.run { exchange in
            try await exchange.send(
                [
                    ":status": "200", "content-type": "application/grpc", "grpc-status": "5",
                    "grpc-message": "no container %22caf%C3%A9%22 100%", "x-why": "gone",
                ], isEnd: true)
        } body: { path in
            let status = try await status { try await GRPCClient(.unix(path)).unary("/a/b", [1]) }
            #expect(status.code == .notFound)
            #expect(status.message == #"no container "café" 100%"#)
            #expect(status.trailers.first("x-why") == "gone")
        }
    }

    @Test func `an error that comes before the request was read is thrown too`() async throws {
        try await GRPCTestServer.run { exchange in
            try await exchange.send(
                [":status": "200", "content-type": "application/grpc", "grpc-status": "7"], isEnd: true)
            try await exchange.reset(.noError)
        } body: { path in
            let big = [UInt8](repeating: 0, count: 1_000_000)
            let client = GRPCClient(.unix(path))
            let status = try await status {
                try await client.unary("/a/b", big, metadata: ["x-answer-early": "1"])
            }
            #expect(status.code == .permissionDenied)
        }
    }

    @Test(arguments: [
        (HTTP2ErrorCode.refusedStream, GRPCStatus.Code.unavailable), (.cancel, .cancelled),
        (.enhanceYourCalm, .resourceExhausted), (.internalError, .internal),
    ])
    func `a reset stream has a status`(reset: HTTP2ErrorCode, code: GRPCStatus.Code) async throws {
        try await GRPCTestServer.run { exchange in
            try await exchange.begin()
            try await exchange.reset(reset)
        } body: { path in
            let status = try await status { try await GRPCClient(.unix(path)).unary("/a/b", []) }
            #expect(status.code == code)
        }
    }

    @Test func `a stream delivers its messages and then its status`() async throws {
        try await GRPCTestServer.run { exchange in
            try await exchange.begin()
            for number in UInt8(0)..<100 { try await exchange.send(message: [number]) }
            try await exchange.end(14, "stopping")
        } body: { path in
            let client = GRPCClient(.unix(path))
            try await client.serverStream("/a/b", []) { messages in
                for number in UInt8(0)..<100 { #expect(try await messages.next() == [number]) }
                for _ in 0..<2 {
                    let status = try await status { try await messages.next() }
                    #expect(status.code == .unavailable && status.message == "stopping")
                }
            }
        }
    }

    @Test func `leaving a stream, or cancelling its task, resets it`() async throws {
        let (resets, report) = AsyncStream.makeStream(of: HTTP2ErrorCode?.self)
        var seen = resets.makeAsyncIterator()
        try await GRPCTestServer.run { exchange in
            try await exchange.begin()
            try await exchange.send(message: [1])
            report.yield(await exchange.untilReset())
        } body: { path in
            let client = GRPCClient(.unix(path))
            #expect(try await client.serverStream("/a/b", []) { try await $0.next() } == [1])
            #expect(await seen.next() == .cancel)

            let (started, start) = AsyncStream.makeStream(of: Void.self)
            try await withThrowingTaskGroup { group in
                group.addTask {
                    try await client.serverStream("/a/b", []) { messages in
                        #expect(try await messages.next() == [1])
                        start.yield()
                        let status = try await status { try await messages.next() }
                        #expect(status.code == .cancelled)
                    }
                }
                for await _ in started { break }
                group.cancelAll()
                try await group.waitForAll()
            }
            #expect(await seen.next() == .cancel)
            // The connection serves on.
            #expect(try await client.serverStream("/a/b", []) { try await $0.next() } == [1])
        }
    }

    @Test func `a call ends at its deadline, and a server that heard of it is told`() async throws {
        try await GRPCTestServer.run { exchange in
            let timeout = exchange.headers.first(name: "grpc-timeout") ?? ""
            #expect(timeout.hasSuffix("n") || timeout.hasSuffix("u"))
            let reset = await exchange.untilReset()
            #expect(reset == .cancel || reset == nil)
        } body: { path in
            let client = GRPCClient(.unix(path))
            // On a machine that is busy enough, no call gets as far as the server in its time.
            for timeout in [Duration.zero, .milliseconds(20), .milliseconds(100)] {
                let status = try await status { try await client.unary("/a/b", [], timeout: timeout) }
                #expect(status.code == .deadlineExceeded)
            }
        }
    }

    @Test func `both sides of a call may talk in turn`() async throws {
        try await GRPCTestServer.run { exchange in
            try await exchange.begin()
            try await exchange.send(message: [7])
            try await exchange.untilRequestEnds()
            try await exchange.end(0)
        } body: { path in
            let client = GRPCClient(.unix(path))
            try await client.call("/a/b", metadata: ["x-answer-early": "1"]) { writer, messages in
                #expect(try await messages.next() == [7])
                try await writer.write([1])
                try await writer.finish()
                #expect(try await messages.next() == nil)
            }
        }
    }

    @Test func `the next call connects again after the connection was lost`() async throws {
        // Kept, so that no address is used twice.
        let connections = Mutex<[any Channel]>([])
        try await GRPCTestServer.run { exchange in
            let connection = exchange.connection
            let number = connections.withLock { all in
                if let index = all.firstIndex(where: { $0 === connection }) { return UInt8(index) }
                all.append(connection)
                return UInt8(all.count - 1)
            }
            if exchange.path == "/drop" {
                try await exchange.connection.close().get()
            } else if exchange.path == "/farewell" {
                let farewell = HTTP2Frame.FramePayload.goAway(
                    lastStreamID: .maxID, errorCode: .noError, opaqueData: nil)
                try await exchange.connection.writeAndFlush(
                    HTTP2Frame(streamID: .rootStream, payload: farewell))
            }
            try await exchange.begin()
            try await exchange.send(message: [number])
            try await exchange.end(0)
        } body: { path in
            let client = GRPCClient(.unix(path))
            let first = try await client.unary("/who", []).message
            #expect(try await client.unary("/who", []).message == first)
            let status = try await status { try await client.unary("/drop", []) }
            #expect(status.code == .unavailable)
            let second = try await client.unary("/who", []).message
            #expect(second != first)
            // The call that heard the farewell still ends well.
            #expect(try await client.unary("/farewell", []).message == second)
            #expect(try await client.unary("/who", []).message != second)
        }
    }

    @Test func `a client outlives its server`() async throws {
        try await GRPCTestServer.run { _ in
        } body: { path in
            let other = path + "2"
            let client = GRPCClient(.unix(other))
            let missing = try await status { try await client.unary("/a/b", []) }
            #expect(missing.code == .unavailable)
            for _ in 0..<3 {
                try await GRPCTestServer.run(at: other) { exchange in
                    try await exchange.begin()
                    try await exchange.send(message: [1])
                    try await exchange.end(0)
                } body: {
                    // The end of the last server may not have been heard yet; the call that hears it fails.
                    let heard = try? await client.unary("/a/b", [])
                    let reply = if let heard { heard } else { try await client.unary("/a/b", []) }
                    #expect(reply.message == [1])
                }
            }
            client.close()
            let closed = try await status { try await client.unary("/a/b", []) }
            #expect(closed.message == "the client was closed")
        }
    }

    @Test func `calls above the limit fail at once`() async throws {
        let (started, start) = AsyncStream.makeStream(of: Void.self)
        try await GRPCTestServer.run { exchange in
            start.yield()
            _ = await exchange.untilReset()
        } body: { path in
            var limits = GRPCClient.Limits()
            limits.calls = 1
            let client = GRPCClient(.unix(path), limits: limits)
            try await withThrowingTaskGroup { group in
                group.addTask { _ = try? await client.unary("/a/b", []) }
                for await _ in started { break }
                let status = try await status { try await client.unary("/a/b", []) }
                #expect(status.code == .resourceExhausted)
                group.cancelAll()
                try await group.waitForAll()
            }
        }
    }
}

/// The status that `call` fails with.
func status<T>(_ call: () async throws -> T) async throws -> GRPCStatus {
    do {
        _ = try await call()
    } catch let status as GRPCStatus {
        return status
    }
    Issue.record("the call did not fail")
    return GRPCStatus(.ok, "")
}
