import Testing

@testable import Runtime

@Suite struct ProtobufTests {
    /// Bytes by the rules of "Protocol Buffers: Encoding", made by hand.
    @Test func `a message has the published form`() {
        var port = CRI.PortMapping()
        port.protocol = .udp
        port.containerPort = 300
        port.hostIP = "::"
        #expect(port.protobuf == [0x08, 1, 0x10, 0xAC, 0x02, 0x22, 2, 0x3A, 0x3A])
        var resources = CRI.LinuxContainerResources()
        resources.oomScoreAdj = -1
        #expect(resources.protobuf == [0x28] + [UInt8](repeating: 0xFF, count: 9) + [1])
        var security = CRI.LinuxSandboxSecurityContext()
        security.supplementalGroups = [1, 300]
        security.runAsUser = 0
        // Empty parts are sent; absent ones are not; "0" in a wrapper is not absent.
        #expect(security.protobuf == [0x0A, 0, 0x1A, 0, 0x2A, 3, 1, 0xAC, 0x02])
        var filter = CRI.PodSandboxFilter()
        filter.labelSelector = ["b": "2", "a": ""]
        #expect(filter.protobuf == [0x1A, 3, 0x0A, 1, 0x61, 0x1A, 6, 0x0A, 1, 0x62, 0x12, 1, 0x32])
    }

    @Test func `what is written is read back`() throws {
        var config = CRI.PodSandboxConfig()
        config.metadata = CRI.PodSandboxMetadata(name: "ünïcode", uid: "u", namespace: "n", attempt: 3)
        config.dnsConfig = CRI.DNSConfig(servers: ["10.43.0.10"], options: ["ndots:5"])
        config.labels = ["a": "1", "b": ""]
        config.linux.sysctls = ["net.ipv4.ip_forward": "1"]
        config.linux.securityContext.namespaceOptions = CRI.NamespaceOption(
            network: .node, pid: .container, ipc: .pod)
        config.linux.securityContext.runAsGroup = -5
        config.linux.securityContext.supplementalGroups = [0, 7, .max]
        config.linux.securityContext.seccomp = CRI.SecurityProfile(.localhost, localhostRef: "/p.json")
        #expect(try CRI.PodSandboxConfig(protobuf: config.protobuf) == config)

        var filter = CRI.ContainerFilter()
        filter.state = .created
        #expect(try CRI.ContainerFilter(protobuf: filter.protobuf) == filter)
    }

    @Test func `unknown fields and numbers are passed over`() throws {
        // Fields 100 (fixed64), 101 (fixed32), 102 (bytes), 103 (varint); and a state that has no name.
        let unknown: [UInt8] =
            [0xA1, 0x06] + [UInt8](repeating: 9, count: 8) + [0xAD, 0x06, 9, 9, 9, 9] + [0xB2, 0x06, 1, 9]
            + [0xB8, 0x06, 9]
        let container = try CRI.Container(protobuf: [0x0A, 1, 0x78] + unknown + [0x30, 99])
        #expect(container.id == "x" && container.state == .created)
    }

    @Test func `a repeated number is read packed and not packed`() throws {
        let user = try CRI.LinuxContainerUser(protobuf: [0x18, 5, 0x1A, 2, 6, 7])
        #expect(user.supplementalGroups == [5, 6, 7])
    }

    @Test(
        arguments: [
            ([0x0A, 5, 1], .truncated), ([0x0A], .truncated), ([0x80], .truncated),
            ([0x08, 1], .mismatched(field: 1)),
            ([0x00], .malformed), ([0x0B], .malformed), ([0x12, 2, 0x0A, 9], .truncated),
            ([UInt8](repeating: 0xFF, count: 11), .malformed),
        ] as [([UInt8], ProtobufError)])
    func `bytes that are no message are refused`(bytes: [UInt8], error: ProtobufError) {
        #expect(throws: error) { try CRI.PodSandboxStatusAndMore(protobuf: bytes) }
    }
}

extension CRI {
    /// A text in field 1, a message in field 2.
    fileprivate struct PodSandboxStatusAndMore: ProtobufMessage {
        var text = ""
        var part: PodIP?

        mutating func visit<F: ProtobufFields>(_ fields: inout F) {
            fields.string(1, &text)
            fields.message(2, &part)
        }
    }
}
