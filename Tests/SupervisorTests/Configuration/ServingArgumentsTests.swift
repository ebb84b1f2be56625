import Support
import Testing

@testable import Supervisor

@Suite struct ServingArgumentsTests {
    private static func read(_ arguments: String...) throws(Fault) -> ServingArguments {
        try APIServerArguments(arguments).serving
    }

    @Test func `flags about connections and defaults are read`() throws {
        let serving = try Self.read(
            "tls-min-version=VersionTLS13", "tls-cipher-suites=A,B", "min-request-timeout=300", "event-ttl=2h",
            "cors-allowed-origins=^https://a$,//b",
            "default-not-ready-toleration-seconds=30", "default-unreachable-toleration-seconds=-1",
            "kubelet-preferred-address-types=ExternalIP,Hostname")
        #expect(serving.minimumTLSVersion == "VersionTLS13" && serving.cipherSuites == ["A", "B"])
        #expect(serving.shortestWatch == .seconds(300) && serving.eventLifetime == .seconds(7200))
        #expect(serving.notReadySeconds == 30 && serving.unreachableSeconds == -1)
        #expect(serving.allowedOrigins == ["^https://a$", "//b"])
        #expect(serving.kubeletAddressTypes == ["ExternalIP", "Hostname"] && serving.idle.isEmpty)
    }

    @Test func `nothing said is nothing wanted`() throws {
        let serving = try Self.read()
        #expect(serving.minimumTLSVersion == nil && serving.shortestWatch == nil && serving.eventLifetime == nil)
        #expect(serving.notReadySeconds == nil && serving.idle.isEmpty && serving.nodePorts == nil)
    }

    /// As in the guides to hardened clusters of k3s.
    @Test func `what is so anyhow may be said`() throws {
        let serving = try Self.read(
            "profiling=false", "service-account-lookup=true", "allow-privileged=true", "enable-garbage-collector=true",
            "contention-profiling=false")
        #expect(serving.idle.isEmpty)
    }

    @Test func `flags that change nothing here are named`() throws {
        let serving = try Self.read("watch-cache=false", "v=4", "default-watch-cache-size=10", "goaway-chance=.001")
        #expect(serving.idle == ["default-watch-cache-size", "goaway-chance", "v", "watch-cache"])
    }

    @Test(arguments: [
        "profiling=true", "allow-privileged=false", "service-account-lookup=false", "event-ttl=0s", "event-ttl=soon",
        "min-request-timeout=0", "min-request-timeout=-1", "default-not-ready-toleration-seconds=5m",
        "kubelet-preferred-address-types=InternalIP,Nickname",
    ])
    func `what cannot be had is refused`(argument: String) {
        let fault = #expect(throws: Fault.self) { try Self.read(argument) }
        #expect(fault?.summary.hasPrefix("--kube-apiserver-arg: ") == true)
    }

    @Test func `the API server's own range of node ports counts before k3s'`() throws {
        let values = try OptionValues(
            ["--service-node-port-range=30000-30100", "--kube-apiserver-arg=service-node-port-range=80-32767"],
            options: Option.server)
        #expect(try ServerConfiguration(values).nodePorts == 80...32_767)
    }
}
