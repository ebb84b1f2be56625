import Support
import Testing

@testable import Supervisor

@Suite struct ListenerArgumentsTests {
    private static func read(_ arguments: String...) throws(Fault) -> ListenerArguments {
        try APIServerArguments(arguments).listener
    }

    @Test func `flags about certificates and authorities are read`() throws {
        let listener = try Self.read(
            "tls-cert-file=/c.crt", "tls-private-key-file=/c.key", "tls-sni-cert-key=/a.crt,/a.key",
            "tls-sni-cert-key=/b.crt,/b.key:*.b.test,b.test", "client-ca-file=/ca", "kubelet-certificate-authority=/k",
            "service-account-signing-key-file=/s")
        #expect(listener.identity == .init(certificateFile: "/c.crt", keyFile: "/c.key"))
        #expect(
            listener.namedIdentities == [
                .init(certificateFile: "/a.crt", keyFile: "/a.key"),
                .init(certificateFile: "/b.crt", keyFile: "/b.key", names: ["*.b.test", "b.test"]),
            ])
        #expect(listener.clientAuthorityFile == "/ca" && listener.kubeletAuthorityFile == "/k")
        #expect(listener.signingKeyFile == "/s")
    }

    @Test func `flags about beginning and stopping, and where the server is, are read`() throws {
        let listener = try Self.read(
            "http2-max-streams-per-connection=1000", "shutdown-delay-duration=70s", "livez-grace-period=1m",
            "strict-transport-security-directives=max-age=300,includeSubDomains,preload", "endpoint-reconciler-type=none",
            "external-hostname=api.example.com")
        #expect(listener.streamsPerConnection == 1000)
        #expect(listener.shutdownDelay == .seconds(70) && listener.livezGrace == .seconds(60))
        #expect(listener.transportSecurity == ["max-age=300", "includeSubDomains", "preload"])
        #expect(!listener.tellsEndpoints && listener.externalHostname == "api.example.com")
        #expect(try APIServerArguments(["kubelet-timeout=5s"]).serving.idle == ["kubelet-timeout"])
    }

    @Test func `nothing said is as it ever was`() throws {
        let listener = try Self.read("http2-max-streams-per-connection=0")
        #expect(listener.identity == nil && listener.namedIdentities.isEmpty && listener.streamsPerConnection == nil)
        #expect(listener.shutdownDelay == .zero && listener.tellsEndpoints && listener.transportSecurity.isEmpty)
    }

    @Test(arguments: [
        "tls-cert-file=/c.crt", "tls-private-key-file=/c.key", "tls-sni-cert-key=/a.crt", "tls-sni-cert-key=/a.crt,",
        "http2-max-streams-per-connection=-1", "shutdown-delay-duration=-1s", "shutdown-delay-duration=soon",
        "livez-grace-period=-1s", "strict-transport-security-directives=max-age",
        "strict-transport-security-directives=max-age=long", "strict-transport-security-directives=never",
        "endpoint-reconciler-type=often", "advertise-address=here", "kubelet-timeout=-5s",
    ])
    func `what cannot be had is refused`(argument: String) {
        let fault = #expect(throws: Fault.self) { try Self.read(argument) }
        #expect(fault?.summary.hasPrefix("--kube-apiserver-arg: ") == true)
    }

    @Test func `the API server's own address counts before k3s'`() throws {
        func address(_ arguments: String...) throws -> IPAddress? {
            try ServerConfiguration(OptionValues(arguments, options: Option.server)).advertiseAddress
        }
        #expect(try address("--advertise-address=192.0.2.1") == IPAddress("192.0.2.1"))
        let both = try address("--advertise-address=192.0.2.1", "--kube-apiserver-arg=advertise-address=192.0.2.2")
        #expect(both == IPAddress("192.0.2.2"))
    }
}
