import Testing

@testable import Wire

@Suite struct HTTPServerTests {
    @Test func `a request is answered on the same connection until it asks to close`() async throws {
        let text = try await withServer { request, exchange in
            exchange.respond(.ok, ["Content-Type": "text/plain"], Array("you asked for \(request.path)".utf8))
        } _: { _, address in
            try await RawClient.exchange(
                "GET /a HTTP/1.1\r\nHost: x\r\n\r\nGET /b%20c HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", with: address)
        }
        let parts = text.split(separator: "HTTP/1.1 200 OK\r\n", omittingEmptySubsequences: true)
        #expect(parts.count == 2)
        #expect(parts.first?.hasSuffix("\r\n\r\nyou asked for /a") == true)
        #expect(parts.last?.hasSuffix("\r\n\r\nyou asked for /b c") == true)
        #expect(parts.last?.contains("Connection: close\r\n") == true)
    }

    @Test func `the same over TLS, with the client's certificate handed over unverified`() async throws {
        let seen = Latch<HTTPRequest>()
        let identity = try TLSIdentity(
            certificatePEM: TestCertificates.server, keyPEM: TestCertificates.serverKey)
        let client = try TLSClientIdentity(
            authoritiesPEM: TestCertificates.authority, certificatePEM: TestCertificates.client,
            keyPEM: TestCertificates.clientKey)
        let text = try await withServer(certificates: identity) { request, exchange in
            seen.set(request)
            exchange.respond(.ok, [:], Array("secret".utf8))
        } _: { _, address in
            try await RawClient.exchange(
                "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", with: address, tls: client)
        }
        #expect(text.hasSuffix("secret"))
        let request = await seen.value
        #expect(request.peerCertificates.count == 1)
        #expect(request.peerCertificates.first?.starts(with: [0x30]) == true)
        #expect(request.serverName == "localhost")
        #expect(request.connection.isSecure)
    }
}
