import NIOCore
import Support
import Testing

@testable import Wire

/// Why there is no connection is told in the words that people search for.
@Suite(.timeLimit(.minutes(5))) struct ConnectionFailureTests {
    private static let now = Timestamp(seconds: 1_800_000_000)

    private static func certificate(
        _ names: [String] = [], _ addresses: [String] = [], commonName: String = "", hasNames: Bool? = nil
    ) -> PeerCertificate {
        PeerCertificate(
            begins: Timestamp(seconds: 1_700_000_000), ends: Timestamp(seconds: 1_900_000_000), commonName: commonName,
            names: names, addresses: addresses, hasNames: hasNames ?? !(names + addresses).isEmpty)
    }

    @Test(arguments: [
        (certificate(["a.test"]), "a.test", nil), (certificate(["A.test"]), "a.TEST.", nil),
        (certificate(["*.a.test"]), "b.a.test", nil), (certificate([], ["10.0.0.1"]), "10.0.0.1", nil),
        (certificate([], ["::1"]), "0:0::1", nil),
        (certificate(["*.a.test"]), "c.b.a.test", "certificate is valid for *.a.test, not c.b.a.test"),
        (certificate(["*"]), "a", "certificate is valid for *, not a"),
        (certificate(["a.test", "b.test"]), "c.test", "certificate is valid for a.test, b.test, not c.test"),
        (certificate(["a.test"], ["10.0.0.1"]), "10.0.0.2", "certificate is valid for 10.0.0.1, not 10.0.0.2"),
        (
            certificate(["a.test"]), "10.0.0.2",
            "cannot validate certificate for 10.0.0.2 because it doesn't contain any IP SANs"
        ),
        (certificate([], ["10.0.0.1"]), "a.test", "certificate is not valid for any names, but wanted to match a.test"),
        (
            certificate(commonName: "a.test"), "a.test",
            "certificate relies on legacy Common Name field, use SANs instead"
        ),
        (
            certificate(commonName: "a.test"), "b.test",
            "certificate is not valid for any names, but wanted to match b.test"
        ),
        (
            certificate((0..<100).map { "n\($0).test" }), "b.test",
            "certificate is valid for 100 names, but none matched b.test"
        ),
    ] as [(PeerCertificate, String, String?)])
    func `a certificate names its host or not`(certificate: PeerCertificate, host: String, problem: String?) {
        #expect(certificate.nameProblem(host) == problem)
    }

    @Test func `its time comes before its names, and these before who signed it`() {
        var certificate = Self.certificate(["a.test"])
        #expect(certificate.problem(host: "a.test", now: Self.now) == "certificate signed by unknown authority")
        certificate.ends = Timestamp(seconds: 1_799_999_999)
        #expect(
            certificate.problem(host: "b.test", now: Self.now)
                == "certificate has expired or is not yet valid: current time 2027-01-15T08:00:00Z is after "
                + "2027-01-15T07:59:59Z")
        certificate.begins = Timestamp(seconds: 1_800_000_060)
        #expect(
            certificate.problem(host: "b.test", now: Self.now)
                == "certificate has expired or is not yet valid: current time 2027-01-15T08:00:00Z is before "
                + "2027-01-15T08:01:00Z")
    }

    /// The words for a failed call of the server by that name.
    private static func failure(
        _ address: HTTPAddress, _ tls: TLSClientIdentity?
    ) async -> String {
        do {
            _ = try await StreamDialer.dial(address, tls: tls, timeout: .seconds(5))
            return "-"
        } catch let fault as Fault {
            return (fault.cause as? ConnectionFailure)?.description ?? "no words: \(fault)"
        } catch {
            return "no fault: \(error)"
        }
    }

    @Test(arguments: [
        (true, "server.test", "-"), (true, "other.test", "x509: certificate is valid for localhost, server.test, not other.test"),
        (true, "10.0.0.1", "x509: cannot validate certificate for 10.0.0.1 because it doesn't contain any IP SANs"),
        (false, "server.test", "x509: certificate signed by unknown authority"),
        (false, "other.test", "x509: certificate is valid for localhost, server.test, not other.test"),
    ])
    func `a server that is not trusted is told from one that is another`(
        isKnown: Bool, name: String, expected: String
    ) async throws {
        let identity = try TLSIdentity(certificatePEM: TestCertificates.server, keyPEM: TestCertificates.serverKey)
        let text = try await withServer(certificates: identity) { _, exchange in
            exchange.respond(.ok)
        } _: { _, address in
            let authority = isKnown ? TestCertificates.authority : TestCertificates.other
            return await Self.failure(address, try TLSClientIdentity(authoritiesPEM: authority, serverName: name))
        }
        #expect(text == (expected == "-" ? "-" : "tls: failed to verify certificate: " + expected))
    }

    @Test func `where nobody listens, the system's word is said`() async throws {
        let text = await Self.failure(.tcp(host: "127.0.0.1", port: 1), nil)
        #expect(text == "dial tcp 127.0.0.1:1: connect: connection refused")
    }

    @Test func `an answer of plain HTTP is told as such`() {
        let words = HandshakeFailure.words(
            library: "error:100000f7:SSL", nil, host: "a.test", firstBytes: Array("HTTP/1.1".utf8), now: Self.now)
        #expect(words == "http: server gave HTTP response to HTTPS client")
    }

    @Test(arguments: [
        ("error:1000007d:SSL", "tls: failed to verify certificate: x509: certificate signed by unknown authority"),
        ("error:10000410:SSL", "remote error: tls: handshake failure"),
        ("error:10000418:SSL", "remote error: tls: unknown certificate authority"),
        ("error:100004ff:SSL", "remote error: tls: alert(279)"),
        ("error:100000f7:SSL", "tls: first record does not look like a TLS handshake"), ("EOF during handshake", "EOF"),
    ])
    func `what the library says is put in other words`(text: String, words: String) {
        #expect(HandshakeFailure.words(library: text, nil, host: "a.test", firstBytes: [1], now: Self.now) == words)
    }

    @Test func `a handshake that comes to nothing is counted`() async throws {
        let failed = Latch<Bool>()
        let identity = try TLSIdentity(certificatePEM: TestCertificates.server, keyPEM: TestCertificates.serverKey)
        try await withServer(certificates: identity, failedHandshake: failed) { _, exchange in
            exchange.respond(.ok)
        } _: { _, address in
            _ = try await RawClient.exchange("GETTING NOWHERE\r\n\r\n", with: address)
            #expect(await failed.value)
        }
    }
}
