import Support
import Testing

@testable import Supervisor

@Suite struct ServerConfigurationTests {
    private func server(_ arguments: String...) throws -> ServerConfiguration { try server(arguments) }

    private func server(_ arguments: [String]) throws -> ServerConfiguration {
        try ServerConfiguration(OptionValues(arguments, options: Option.server))
    }

    @Test func `what is not said has a default`() throws {
        let server = try server("--data-dir", "/data")
        #expect(server.localStoragePath == "/data/storage")
        #expect(server.clusterCIDR == IPPrefix("10.42.0.0/16") && server.nodePorts == 30_000...32_767)
        #expect(server.bindAddress == "0.0.0.0" && server.clusterDomain == "cluster.local")
        #expect(server.kubeconfigName == "default" && server.disabled.isEmpty && !server.isVerbose)
    }

    @Test func `what is said counts`() throws {
        let server = try server(
            "--data-dir", "/data", "--default-local-storage-path", "/volumes", "--disable", "coredns,local-storage",
            "--disable", "traefik", "--disable-agent", "--cluster-domain", "example.org")
        #expect(server.localStoragePath == "/volumes" && server.clusterDomain == "example.org")
        #expect(server.disabled == ["coredns", "local-storage", "traefik"] && !server.runsAgent)
    }

    @Test(arguments: [
        (["--debug"], true), (["-v", "1"], true), (["-v=0"], false), (["--debug=false", "-v", "2"], true),
        (["--debug=false"], false),
    ]) func `more is logged when it is asked for`(_ arguments: [String], _ isVerbose: Bool) throws {
        #expect(try server(arguments).isVerbose == isVerbose)
    }

    @Test func `a range is its network, whichever of its addresses is given`() throws {
        let server = try server("--cluster-cidr", "10.50.3.4/16", "--service-cidr", "10.60.7.8/16")
        #expect(server.clusterCIDR.description == "10.50.0.0/16")
        #expect(server.serviceCIDR.description == "10.60.0.0/16")
        #expect(server.clusterDNS.description == "10.60.0.10")
    }

    @Test(arguments: [("1-65535", 1...65_535), ("5-5", 5...5), ("65535-65535", 65_535...65_535)])
    func `node ports are a range of ports`(_ text: String, _ range: ClosedRange<Int>) throws {
        #expect(try server("--service-node-port-range", text).nodePorts == range)
    }

    @Test(arguments: ["0-10", "1-65536", "6-5", "5", "1-2-3", "1-x-3", "a-b", "-1-5", "5-", ""])
    func `other node ports are refused`(_ text: String) {
        let fault = #expect(throws: Fault.self) { try server("--service-node-port-range=\(text)") }
        #expect(fault?.summary.contains("--service-node-port-range \(text) is no range of ports") == true)
    }

    @Test(arguments: [("600", UInt32(0o600)), ("0644", 0o644), ("777", 0o777), ("0", 0)])
    func `a mode is octal`(_ text: String, _ mode: UInt32) throws {
        #expect(try server("--write-kubeconfig-mode", text).kubeconfigMode == mode)
    }

    @Test(arguments: ["1000", "4755", "8", "rw", ""]) func `other modes are refused`(_ text: String) {
        #expect(throws: Fault.self) { try server("--write-kubeconfig-mode", text) }
    }

    @Test(arguments: [("1", true), ("65535", true), ("0", false), ("65536", false), ("-1", false)])
    func `a port is a port`(_ text: String, _ isPort: Bool) {
        #expect(((try? server("--https-listen-port", text)) != nil) == isPort)
    }

    @Test func `the services' range has room for the DNS, or its address is given`() throws {
        #expect(try server("--service-cidr", "10.60.0.0/28").clusterDNS.description == "10.60.0.10")
        for range in ["10.60.0.0/29", "255.255.255.248/29"] {
            let fault = #expect(throws: Fault.self) { try server("--service-cidr", range) }
            #expect(fault?.summary.contains("has no room for the cluster DNS") == true)
            let given = try server("--service-cidr", range, "--cluster-dns", "10.61.0.1")
            #expect(given.clusterDNS.description == "10.61.0.1")
        }
    }
}
