import Support
import Testing

@testable import Supervisor

@Suite struct OptionValuesTests {
    private func values(
        _ arguments: [String], files: [String] = [], environment: [String: String] = [:]
    ) throws -> OptionValues {
        try OptionValues(arguments, options: Option.server, files: files, environment: environment)
    }

    @Test func `the command line beats the file, the file beats the environment`() throws {
        let file = "data-dir: /file\ntoken: from-file\n"
        let environment = ["K3S_DATA_DIR": "/environment", "K3S_TOKEN": "e", "K3S_NODE_NAME": "n"]
        let values = try values(["--data-dir", "/line"], files: [file], environment: environment)
        #expect(values.text("data-dir") == "/line")
        #expect(values.text("token") == "from-file")
        #expect(values.text("node-name") == "n")
    }

    @Test func `lists of the line are appended to those of the file`() throws {
        let values = try values(["--tls-san=c,d", "--tls-san", "e"], files: ["tls-san: [a, b]"])
        #expect(values.list("tls-san") == ["a", "b", "c", "d", "e"])
    }

    @Test func `a drop-in replaces, or appends with a plus`() throws {
        let values = try values([], files: ["tls-san: [a]\ntoken: s1", "tls-san+: [b]\ntoken: s2"])
        #expect(values.list("tls-san") == ["a", "b"])
        #expect(values.text("token") == "s2")
    }

    @Test func `unknown keys of the file are noted, not fatal`() throws {
        #expect(try values([], files: ["no-such-option: [a=b]"]).unknownKeys == ["no-such-option"])
    }

    @Test(arguments: [
        (["--nope"], "unknown flag --nope"), (["--https-listen-port", "x"], "--https-listen-port takes a number"),
        (["--token"], "flag needs an argument: --token"), (["extra"], "unexpected argument"),
        (["--disable-agent=maybe"], "--disable-agent takes true or false"),
    ])
    func `a mistake is told in one sentence`(arguments: [String], text: String) {
        let fault = #expect(throws: Fault.self) { try values(arguments) }
        #expect(fault?.summary.hasPrefix(text) == true)
    }

    @Test func `what is not said has k3s' defaults`() throws {
        let configuration = try ServerConfiguration(try values([]))
        #expect(configuration.port == 6443)
        #expect(configuration.serviceCIDR.description == "10.43.0.0/16")
        #expect(configuration.clusterDNS.description == "10.43.0.10")
        #expect(configuration.dataDirectory == "/var/lib/rancher/k3s")
        #expect(configuration.kubeconfigMode == 0o600)
        #expect(configuration.runsAgent)
    }

    @Test(arguments: [
        ["--service-cidr", "x"], ["--cluster-cidr", "10.0.0.0/8,fd00::/64"], ["--https-listen-port", "70000"],
        ["--write-kubeconfig-mode", "999"], ["--node-ip", "host"], ["--service-node-port-range", "9-1"],
    ])
    func `values that cannot be are refused`(arguments: [String]) throws {
        let values = try values(arguments)
        #expect(throws: Fault.self) { try ServerConfiguration(values) }
    }
}
