import NIOCore
import NIOSSL
import Support
import Synchronization
import Testing

@testable import Wire

@Suite struct HTTPServerTLSTests {
    private static func identity() throws -> TLSIdentity {
        try TLSIdentity(certificatePEM: TestCertificates.server, keyPEM: TestCertificates.serverKey)
    }

    @Test func `the client's certificate is handed over unverified`() async throws {
        let seen = Latch<HTTPRequest>()
        let client = try TLSClientIdentity(
            authoritiesPEM: TestCertificates.authority, certificatePEM: TestCertificates.client,
            keyPEM: TestCertificates.clientKey)
        let text = try await withServer(certificates: try Self.identity()) { request, exchange in
            seen.set(request)
            exchange.respond(.ok, [:], Array("secret".utf8))
        } _: { _, address in
            try await RawClient.exchange(
                "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", with: address, tls: client)
        }
        #expect(text.hasSuffix("secret"))
        let request = await seen.value
        let leaf = try NIOSSLCertificate.fromPEMBytes(TestCertificates.client)[0].toDERBytes()
        #expect(request.peerCertificates == [leaf])
        #expect(request.serverName == "localhost")
        #expect(request.connection.isSecure)
    }

    @Test func `a client without a certificate is served too`() async throws {
        let client = HTTPClient(
            tls: try TLSClientIdentity(
                authoritiesPEM: TestCertificates.authority, serverName: "localhost"))
        try await withServer(certificates: try Self.identity()) { request, exchange in
            exchange.respond(.ok, [:], Array("\(request.peerCertificates.count)".utf8))
        } _: { _, address in
            let response = try await client.send(
                HTTPClientRequest(.get, HTTPOrigin(address, isSecure: true), "/"))
            #expect(try await response.body.collect(limit: 10) == Array("0".utf8))
        }
    }

    @Test(arguments: [
        ["GET / HTTP/1.1\r\nHost: x\r\n\r\n"], ["DEL", "ETE /x HTTP/1.1\r\nHost: x\r\n\r\n"],
        ["POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n", String(repeating: "x", count: 1_000_000)],
    ])
    func `a client that speaks plain HTTP is told so`(parts: [String]) async throws {
        let text = try await withServer(certificates: try Self.identity()) { _, exchange in
            exchange.respond(.ok)
        } _: { _, address in
            try await RawClient.talk(to: address) { outbound, transcript in
                // The server may have hung up before the last part.
                for part in parts { try? await outbound.write(ByteBuffer(string: part)) }
                try await transcript.readToEnd()
                return transcript.text
            }
        }
        #expect(
            text == "HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n")
    }

    @Test func `bytes that are neither TLS nor HTTP get no HTTP answer`() async throws {
        let text = try await withServer(certificates: try Self.identity()) { _, exchange in
            exchange.respond(.ok)
        } _: { _, address in
            try await RawClient.exchange("GETTING NOWHERE\r\n\r\n", with: address)
        }
        #expect(!text.contains("HTTP"))
    }

    @Test func `a certificate is exchanged while the server runs`() async throws {
        let source = ReplaceableIdentity(try Self.identity())
        let other = try TLSIdentity(certificatePEM: TestCertificates.other, keyPEM: TestCertificates.otherKey)
        try await withServer(certificates: source) { _, exchange in
            exchange.respond(.ok)
        } _: { _, address in
            func isTrusted(as name: String) async throws -> Bool {
                let tls = try TLSClientIdentity(authoritiesPEM: TestCertificates.authority, serverName: name)
                let request = HTTPClientRequest(.get, HTTPOrigin(address, isSecure: true), "/")
                do {
                    return try await HTTPClient(tls: tls).send(request).status == .ok
                } catch let fault as Fault where fault.code == .denied {
                    return false
                }
            }
            let before = (try await isTrusted(as: "server.test"), try await isTrusted(as: "other.test"))
            #expect(before == (true, false))
            source.replace(with: other)
            let after = (try await isTrusted(as: "server.test"), try await isTrusted(as: "other.test"))
            #expect(after == (false, true))
        }
    }

    @Test(arguments: [
        (nil, 0), ("b.test", 1), ("B.test.", 1), ("a.b.test", 2), ("x.a.b.test", 0), ("c.test", 0), ("test", 0),
    ] as [(String?, Int)])
    func `who asks for a name is shown its certificate`(name: String?, shown: Int) throws {
        let all = [try Self.identity(), try Self.identity(), try Self.identity(), try Self.identity()]
        var identities = NamedIdentities(standard: all[0])
        #expect(identities.identity(for: name) === all[0])
        identities.add(all[1], for: ["b.test"])
        identities.add(all[2], for: ["*.B.test"])
        identities.add(all[3], for: ["b.test", "*.b.test"])
        #expect(identities.identity(for: name) === all[shown])
    }

    @Test func `a foreign authority is not trusted, unless nobody asks`() async throws {
        try await withServer(certificates: try Self.identity()) { _, exchange in
            exchange.respond(.ok)
        } _: { _, address in
            let request = HTTPClientRequest(.get, HTTPOrigin(address, isSecure: true), "/")
            let strict = HTTPClient(tls: try TLSClientIdentity(authoritiesPEM: TestCertificates.client))
            await #expect {
                _ = try await strict.send(request)
            } throws: {
                ($0 as? Fault)?.code == .denied
            }
            let careless = HTTPClient(tls: try TLSClientIdentity(isVerifying: false))
            #expect(try await careless.send(request).status == .ok)
        }
    }

    @Test func `a server may be verified by its address`() async throws {
        let identity = try TLSIdentity(
            certificatePEM: TestCertificates.address, keyPEM: TestCertificates.addressKey)
        let client = HTTPClient(tls: try TLSClientIdentity(authoritiesPEM: TestCertificates.authority))
        try await withServer(certificates: identity) { request, exchange in
            #expect(request.serverName == nil)
            exchange.respond(.ok)
        } _: { _, address in
            let response = try await client.send(
                HTTPClientRequest(.get, HTTPOrigin(address, isSecure: true), "/"))
            #expect(response.status == .ok)
        }
    }

    @Test func `a certificate and a key that do not belong together are refused`() {
        #expect {
            _ = try TLSIdentity(certificatePEM: TestCertificates.server, keyPEM: TestCertificates.otherKey)
        } throws: {
            ($0 as? Fault)?.code == .invalid
        }
        #expect(throws: Fault.self) {
            _ = try TLSIdentity(certificatePEM: Array("nothing".utf8), keyPEM: TestCertificates.serverKey)
        }
    }
}
