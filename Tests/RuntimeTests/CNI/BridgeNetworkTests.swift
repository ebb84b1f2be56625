import APIMachinery
import Host
import Support
import Testing

@testable import Runtime

@Suite struct BridgeNetworkTests {
    @Test func `the list of plugins is the one that k3s' plugin makes, without port mapping`() throws {
        let network = BridgeNetwork(podCIDRs: [try #require(IPPrefix("10.42.0.0/24"))], mtu: 1450)
        let expected: Value = [
            "name": "cbr0", "cniVersion": "1.0.0",
            "plugins": [
                [
                    "type": "bridge", "bridge": "cni0", "hairpinMode": true, "forceAddress": true,
                    "isDefaultGateway": true, "mtu": 1450,
                    "ipam": [
                        "type": "host-local", "dataDir": "/var/lib/cni/networks",
                        "ranges": [[["subnet": "10.42.0.0/24"]]],
                    ],
                ],
                ["type": "bandwidth", "capabilities": ["bandwidth": true]],
            ],
        ]
        #expect(network.configuration == expected)
    }

    @Test func `both families get a range each`() throws {
        let prefixes = try ["10.42.0.0/24", "fd00:42::/64"].map { try #require(IPPrefix($0)) }
        let ranges = BridgeNetwork(podCIDRs: prefixes).configuration["plugins"]?.array?.first?.at(
            "ipam", "ranges")
        #expect(ranges == [[["subnet": "10.42.0.0/24"]], [["subnet": "fd00:42::/64"]]])
    }

    @Test func `an unchanged file is not written again`() throws {
        let folder = "/tmp/k3s-cni-test-\(UInt64.random(in: 0...UInt64.max))"
        defer { try? Files.remove(folder) }
        var network = BridgeNetwork(podCIDRs: [try #require(IPPrefix("10.42.0.0/24"))])
        try network.write(to: folder)
        let path = folder + "/10-flannel.conflist"
        let first = try Files.status(of: path)
        #expect(first.mode == 0o600)
        try network.write(to: folder)
        #expect(try Files.status(of: path).inode == first.inode)
        network.mtu = 1400
        try network.write(to: folder)
        #expect(try Value(json: Files.read(path)) == network.configuration)
    }
}
