import Support
import Testing

@testable import Supervisor

@Suite struct KubeProxyArgumentsTests {
    private static func read(_ arguments: String...) throws(Fault) -> KubeProxyArguments {
        try KubeProxyArguments(arguments)
    }

    @Test func `ranges are read`() throws {
        let read = try Self.read("nodeport-addresses=192.0.2.0/24,10.0.0.0/8", "cluster-cidr=10.42.0.0/16")
        #expect(read.nodePortRanges.map(\.description) == ["192.0.2.0/24", "10.0.0.0/8"] && !read.isNodePortPrimary)
        #expect(read.podRanges.map(\.description) == ["10.42.0.0/16"] && read.idle.isEmpty)
        let primary = try Self.read("--nodeport-addresses=primary")
        #expect(primary.isNodePortPrimary && primary.nodePortRanges.isEmpty)
        #expect(try Self.read().nodePortRanges.isEmpty && !(Self.read().isNodePortPrimary))
    }

    @Test func `flags that change nothing here are named`() throws {
        let read = try Self.read("v=2", "metrics-bind-address=0.0.0.0:10249", "proxy-mode=ipvs", "masquerade-all=false")
        #expect(read.idle == ["metrics-bind-address", "proxy-mode", "v"])
    }

    @Test(arguments: [
        "nodeport-addresses=here", "nodeport-addresses=primary,10.0.0.0/8", "cluster-cidr=10.42.0.0", "proxy-mode=userspace",
        "masquerade-all=true", "config=/f", "nope=1",
    ])
    func `what cannot be had is refused`(argument: String) {
        let fault = #expect(throws: Fault.self) { try Self.read(argument) }
        #expect(fault?.summary.hasPrefix("--kube-proxy-arg: ") == true)
    }

    @Test func `the cloud controller's flags are known, or refused`() throws {
        #expect(try CloudControllerArguments(["v=2", "leader-elect=false", "profiling=false"]).idle == ["v", "leader-elect"])
        for argument in ["profiling=true", "cloud-config=/f"] {
            let fault = #expect(throws: Fault.self) { try CloudControllerArguments([argument]) }
            #expect(fault?.summary.hasPrefix("--kube-cloud-controller-manager-arg: ") == true)
        }
    }
}
