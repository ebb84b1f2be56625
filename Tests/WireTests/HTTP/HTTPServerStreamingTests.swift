import NIOCore
import Support
import Synchronization
import Testing

@testable import Wire

@Suite struct HTTPServerStreamingTests {
    @Test func `what is written in one turn goes out as one chunk, and the body ends in order`() async throws
    {
        let text = try await withServer { _, exchange in
            let writer = exchange.startResponse(.ok, ["Content-Type": "text/plain"])
            for word in ["a", "b", "c"] { #expect(writer.write(Array(word.utf8)) == .accepted) }
            writer.finish()
        } _: { _, address in
            try await RawClient.exchange(
                "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", with: address)
        }
        #expect(
            text.hasSuffix(
                "Transfer-Encoding: chunked\r\nConnection: close\r\n" + "Date: " + date(in: text)
                    + "\r\n\r\n3\r\nabc\r\n0\r\n\r\n"))
    }

    private func date(in text: String) -> String {
        String(text.split(separator: "\r\n").first { $0.hasPrefix("Date: ") }?.dropFirst(6) ?? "")
    }

    @Test(arguments: [
        ("GET / HTTP/1.0\r\n\r\n", "\r\n\r\nabc"),
        ("HEAD / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "\r\n\r\n"),
    ])
    func `without chunks the end of the connection ends the body`(sent: String, end: String) async throws {
        let text = try await withServer { _, exchange in
            let writer = exchange.startResponse(.ok)
            writer.write(Array("abc".utf8))
            writer.finish()
        } _: { _, address in
            try await RawClient.exchange(sent, with: address)
        }
        #expect(text.hasSuffix(end))
    }

    @Test(arguments: ["ab", "abcd"])
    func `a body that does not keep to its declared length is broken off`(body: String) async throws {
        let text = try await withServer { _, exchange in
            let writer = exchange.startResponse(.ok, contentLength: 3)
            writer.write(Array(body.utf8))
            writer.finish()
        } _: { _, address in
            (try? await RawClient.exchange("GET / HTTP/1.1\r\nHost: x\r\n\r\n", with: address)) ?? ""
        }
        #expect(!text.contains("\r\n\r\nabcd"))
    }

    @Test func `a client that does not read is held to the writer's limit, and its owner is told`()
        async throws
    {
        let full = Latch<Int>()
        let ended = Latch<HTTPExchangeEnd>()
        try await withServer { _, exchange in
            exchange.whenEnded { ended.set($0) }
            exchange.run {
                let writer = exchange.startResponse(.ok, limit: 1 << 20)
                let event = [UInt8](repeating: 7, count: 10_000)
                var accepted = 0
                while writer.write(event) == .accepted { accepted += event.count }
                #expect(writer.pendingBytes <= 1 << 20)
                full.set(accepted)
                writer.abort()
                _ = await ended.value
                #expect(writer.write(event) == .closed)
            }
        } _: { _, address in
            try await RawClient.talk(to: address) { outbound, _ in
                try await outbound.write(ByteBuffer(string: "GET / HTTP/1.1\r\nHost: x\r\n\r\n"))
                // The limit and what the sockets of both sides hold, but not without end.
                #expect(await full.value < 64 << 20)
                #expect(await ended.value == .broken(.ok))
            }
        }
    }

    @Test func `a writer that waits for room sends everything to a slow reader`() async throws {
        let total = 20 << 20
        try await withServer { _, exchange in
            exchange.run {
                let writer = exchange.startResponse(.ok, contentLength: total)
                for _ in 0..<(total >> 16) { try await writer.send([UInt8](repeating: 3, count: 1 << 16)) }
                writer.finish()
            }
        } _: { _, address in
            let response = try await HTTPClient().send(
                HTTPClientRequest(.get, HTTPOrigin(address, isSecure: false), "/"))
            var count = 0
            for try await chunk in response.body {
                count += chunk.count
                await Task.yield()
            }
            #expect(count == total)
        }
    }

    @Test func `a graceful stop finishes what runs, ends watches, and refuses the rest`() async throws {
        let watching = Latch<Bool>()
        let asking = Latch<Bool>()
        let mayAnswer = Latch<Bool>()
        try await withServer { request, exchange in
            guard request.path == "/watch" else {
                asking.set(true)
                return exchange.run {
                    _ = await mayAnswer.value
                    exchange.respond(.ok, [:], Array("done".utf8))
                }
            }
            exchange.startResponse(.ok).write(Array("event".utf8))
            watching.set(true)
        } _: { server, address in
            async let watch = RawClient.exchange("GET /watch HTTP/1.1\r\nHost: x\r\n\r\n", with: address)
            async let request = RawClient.exchange("GET / HTTP/1.1\r\nHost: x\r\n\r\n", with: address)
            _ = await watching.value
            _ = await asking.value
            async let stopped: Void = server.stop(within: .seconds(60))
            let events = try await watch
            #expect(events.hasSuffix("\r\n5\r\nevent\r\n0\r\n\r\n"))
            mayAnswer.set(true)
            let answer = try await request
            #expect(answer.hasSuffix("done"))
            await stopped
            await #expect(throws: (any Error).self) {
                _ = try await RawClient.exchange("GET / HTTP/1.1\r\nHost: x\r\n\r\n", with: address)
            }
        }
    }

    @Test func `what is not finished when the grace is over is cut off`() async throws {
        let begun = Latch<Bool>()
        try await withServer { _, exchange in
            _ = exchange.startResponse(.ok, endsOnStop: false)
            begun.set(true)
        } _: { server, address in
            async let response = RawClient.exchange("GET / HTTP/1.1\r\nHost: x\r\n\r\n", with: address)
            _ = await begun.value
            await server.stop(within: .milliseconds(10))
            let text = try? await response
            #expect(text?.hasSuffix("\r\n\r\n") ?? true)
        }
    }

    @Test func `an upgraded connection carries raw bytes both ways and closes half by half`() async throws {
        let identity = try TLSIdentity(
            certificatePEM: TestCertificates.server, keyPEM: TestCertificates.serverKey)
        let tls = try TLSClientIdentity(
            authoritiesPEM: TestCertificates.authority, serverName: "localhost")
        try await withServer(certificates: identity) { request, exchange in
            exchange.run {
                #expect(request.headers.lists("upgrade", in: "Connection"))
                let stream = try await exchange.upgrade(["Upgrade": "echo"])
                try await stream.write(Array("hello ".utf8))
                while let bytes = try await stream.read() { try await stream.write(bytes) }
                try await stream.closeWrite()
            }
        } _: { _, address in
            let client = HTTPClient(tls: tls)
            let response = try await client.upgrade(
                HTTPClientRequest(
                    .get, HTTPOrigin(address, isSecure: true), "/exec", headers: ["Upgrade": "echo"]))
            guard case .upgraded(let headers, let stream) = response else {
                Issue.record("not upgraded")
                return
            }
            #expect(headers["Upgrade"] == "echo")
            let sent = (0..<300_000).map { UInt8(truncatingIfNeeded: $0) }
            async let written: Void = {
                try await stream.write(sent)
                try await stream.closeWrite()
            }()
            var received: [UInt8] = []
            while let bytes = try await stream.read() { received += bytes }
            try await written
            #expect(received == Array("hello ".utf8) + sent)
            await stream.close()
        }
    }

    @Test func `bytes that follow an upgrade request at once are not lost`() async throws {
        let text = try await withServer { _, exchange in
            exchange.run {
                let stream = try await exchange.upgrade(["Upgrade": "echo"])
                if let bytes = try await stream.read() { try await stream.write(bytes) }
                await stream.close()
            }
        } _: { _, address in
            try await RawClient.talk(to: address) { outbound, transcript in
                try await outbound.write(
                    ByteBuffer(
                        string:
                            "GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\nearly"))
                try await transcript.read(until: "early")
                return transcript.text
            }
        }
        #expect(
            text.hasPrefix("HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo\r\nConnection: Upgrade\r\n"))
        #expect(text.hasSuffix("\r\n\r\nearly"))
    }
}
