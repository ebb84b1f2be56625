import Testing
import Wire

@testable import APIServer

/// What is said of those who were not believed.
@Suite struct AuthenticationAttemptTests {
    @Test(arguments: [
        ("", "/api", false, ""), ("Bearer x", "/api", false, "bearer"), ("  bEaReR x  ", "/api", false, "bearer"),
        ("Bearer", "/api", false, ""), ("Bearer  x", "/api", false, "bearer"), ("Digest x", "/api", false, ""),
        ("Basic YTpi", "/api", false, "basic"), ("basic YTpi", "/api", false, "basic"), ("Basic YWI=", "/api", false, ""),
        ("Basic !", "/api", false, ""), ("", "/api?access_token=x", false, "access_token"),
        ("", "/api?access_token=+", false, ""), ("", "/api", true, "x509"),
        ("Basic YTpi", "/api?access_token=x", true, "basic, access_token, x509"),
        ("Bearer x", "/api", true, "bearer, x509"),
    ])
    func `the ways that were tried are named`(
        authorization: String, target: String, hasCertificate: Bool, ways: String
    ) throws {
        let address = HTTPAddress.tcp(host: "127.0.0.1", port: 1)
        let connection = HTTPConnectionInfo(
            remoteAddress: address, localAddress: address, peerCertificates: hasCertificate ? [[1]] : [])
        let request = try #require(
            HTTPRequest(
                method: .get, target: target, version: .http1_1,
                headers: authorization.isEmpty ? [:] : ["Authorization": authorization], connection: connection))
        let attempt = AuthenticationAttempt(request)
        #expect(
            attempt.message
                == (ways.isEmpty
                    ? "Authentication failed, no credentials provided" : "Authentication failed, attempted: " + ways))
        #expect(attempt.isHeeded == (ways.contains("bearer") || ways.contains("x509")))
    }
}
