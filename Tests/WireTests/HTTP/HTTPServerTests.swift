import NIOCore
import Support
import Synchronization
import Testing

@testable import Wire

@Suite struct HTTPServerTests {
    @Test func `requests on one connection are answered in their order, however long each takes`()
        async throws
    {
        let text = try await withServer { request, exchange in
            guard request.path == "/slow" else { return exchange.respond(.ok, [:], Array(request.path.utf8)) }
            exchange.run {
                for _ in 0..<50 { await Task.yield() }
                exchange.respond(.ok, [:], Array("/slow".utf8))
            }
        } _: { _, address in
            try await RawClient.exchange(
                "GET /slow HTTP/1.1\r\nHost: x\r\n\r\nGET /b%20c HTTP/1.1\r\nHost: x\r\n\r\n"
                    + "\r\nGET /d HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", with: address)
        }
        let answers = text.split(separator: "HTTP/1.1 200 OK\r\n")
        #expect(answers.map { $0.split(separator: "\r\n\r\n").last } == ["/slow", "/b c", "/d"])
        #expect(text.contains("Connection: close\r\n"))
    }

    @Test(arguments: [
        ("HEAD / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "Content-Length: 4\r\n", "\r\n\r\n"),
        ("GET / HTTP/1.0\r\n\r\n", "Connection: close\r\n", "body"),
        (
            "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET / HTTP/1.0\r\n\r\n",
            "Connection: keep-alive\r\n", "body"
        ),
        (
            "GET /none HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "HTTP/1.1 204 No Content\r\n",
            "\r\n\r\n"
        ),
    ])
    func `a response is framed as method, version and status ask`(sent: String, part: String, end: String)
        async throws
    {
        let text = try await withServer { request, exchange in
            exchange.respond(request.path == "/none" ? .noContent : .ok, [:], Array("body".utf8))
        } _: { _, address in
            try await RawClient.exchange(sent, with: address)
        }
        #expect(text.contains(part))
        #expect(text.hasSuffix(end))
        #expect(text.contains("\r\nDate: "))
        #expect(!text.contains("204") || !text.contains("Content-Length"))
    }

    @Test(arguments: [
        ("nonsense\r\n\r\n", "400"), ("GET / HTTP/1.1\r\n\r\n", "400"),
        ("GET /%zz HTTP/1.1\r\nHost: x\r\n\r\n", "400"),
        ("GET / HTTP/3.0\r\nHost: x\r\n\r\n", "505"),
        ("GET / HTTP/1.1\r\nHost: x\r\nA: \(String(repeating: "a", count: 5000))\r\n\r\n", "431"),
        ("\u{16}\u{3}\u{1}\u{2}\u{0}\u{1}\r\n\r\n", "400"),
    ])
    func `malformed input is refused and the connection closed`(sent: String, status: String) async throws {
        var limits = HTTPServerLimits()
        limits.headerBytes = 4096
        let text = try await withServer(limits: limits) { _, exchange in
            exchange.respond(.ok)
        } _: { _, address in
            try await RawClient.exchange(sent, with: address)
        }
        #expect(text.hasPrefix("HTTP/1.1 \(status) "))
        #expect(text.contains("Connection: close\r\n"))
    }

    @Test func `a handler that forgets to answer in its task costs a 500, not a connection`() async throws {
        let text = try await withServer { _, exchange in
            exchange.run {}
        } _: { _, address in
            try await RawClient.exchange(
                "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", with: address)
        }
        #expect(text.hasPrefix("HTTP/1.1 500 "))
    }

    @Test func `the task of a request is cancelled when its client goes away`() async throws {
        let begun = Latch<Bool>()
        let cancelled = Latch<HTTPExchangeEnd>()
        try await withServer { _, exchange in
            exchange.whenEnded { cancelled.set($0) }
            exchange.run {
                begun.set(true)
                await withTaskCancellationHandler {
                    try? await Task.sleep(for: .seconds(60))
                } onCancel: {
                }
                #expect(Task.isCancelled)
            }
        } _: { _, address in
            try await RawClient.talk(to: address) { outbound, _ in
                try await outbound.write(ByteBuffer(string: "GET / HTTP/1.1\r\nHost: x\r\n\r\n"))
                _ = await begun.value
            }
            #expect(await cancelled.value == .broken(nil))
        }
    }

    @Test func `500 clients are served at once over one port`() async throws {
        let identity = try TLSIdentity(
            certificatePEM: TestCertificates.server, keyPEM: TestCertificates.serverKey)
        let tls = try TLSClientIdentity(authoritiesPEM: TestCertificates.authority)
        let waiting = Atomic<Int>(0)
        let everyoneIsHere = Latch<Bool>()
        let answers = try await withServer(certificates: identity) { _, exchange in
            if waiting.add(1, ordering: .relaxed).newValue == 500 { everyoneIsHere.set(true) }
            exchange.run {
                _ = await everyoneIsHere.value
                exchange.respond(.ok, [:], Array("all".utf8))
            }
        } _: { _, address in
            try await withThrowingTaskGroup(of: Bool.self) { group in
                for _ in 0..<500 {
                    group.addTask {
                        try await RawClient.exchange(
                            "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", with: address, tls: tls
                        ).hasSuffix("all")
                    }
                }
                return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
            }
        }
        #expect(answers == 500)
    }

    @Test func `a port in use is one clear fault`() async throws {
        try await withServer { _, exchange in
            exchange.respond(.ok)
        } _: { server, address in
            await #expect {
                _ = try await server.listen(on: address)
            } throws: {
                ($0 as? Fault)?.code == .conflict
                    && "\($0)".contains("127.0.0.1:\(address.port) is already in use")
            }
        }
    }

    @Test func `a connection whose head does not come in time is closed`() async throws {
        var limits = HTTPServerLimits()
        limits.headerTimeout = .milliseconds(10)
        try await withServer(limits: limits) { _, exchange in
            exchange.respond(.ok)
        } _: { _, address in
            // On a busy machine the time may be over before the server has read anything: then it is a reset.
            let text = (try? await RawClient.exchange("GET / HTT", with: address)) ?? ""
            #expect(text == "")
        }
    }

    @Test func `a connection that stays idle is closed`() async throws {
        var limits = HTTPServerLimits()
        limits.idleTimeout = .milliseconds(10)
        try await withServer(limits: limits) { _, exchange in
            exchange.respond(.ok)
        } _: { _, address in
            let text = try await RawClient.exchange("GET / HTTP/1.1\r\nHost: x\r\n\r\n", with: address)
            #expect(text.hasPrefix("HTTP/1.1 200 OK\r\n"))
        }
    }
}
