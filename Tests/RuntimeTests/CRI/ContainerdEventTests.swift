import Testing

@testable import Runtime

@Suite struct ContainerdEventTests {
    /// An envelope as containerd sends it: time, namespace, topic, and the event in an `Any`.
    private func envelope(_ topic: String, _ event: [UInt8], namespace: String = "k8s.io") -> [UInt8] {
        func field(_ number: UInt8, _ bytes: [UInt8]) -> [UInt8] {
            [number << 3 | 2, UInt8(bytes.count)] + bytes
        }
        let any = field(1, Array("type".utf8)) + field(2, event)
        return field(1, [0x08, 1]) + field(2, Array(namespace.utf8)) + field(3, Array(topic.utf8))
            + field(4, any)
    }

    private let ofC: [UInt8] = [0x0A, 1, 0x63]

    @Test(
        arguments: [
            ("/tasks/create", .created), ("/tasks/start", .started), ("/tasks/oom", .outOfMemory),
            ("/containers/delete", .deleted),
        ] as [(String, ContainerEvent.Kind)])
    func `each topic is a kind of event`(topic: String, kind: ContainerEvent.Kind) throws {
        #expect(try ContainerdEvent.read(envelope: envelope(topic, ofC)) == ContainerEvent(kind, "c"))
    }

    @Test func `only the end of the first process is the container's`() throws {
        let first = ofC + [0x12, 1, 0x63, 0x18, 9, 0x20, 7]
        #expect(
            try ContainerdEvent.read(envelope: envelope("/tasks/exit", first)) == ContainerEvent(.exited, "c")
        )
        let command = ofC + [0x12, 1, 0x65]
        #expect(try ContainerdEvent.read(envelope: envelope("/tasks/exit", command)) == nil)
    }

    @Test func `other namespaces and topics are passed over`() throws {
        #expect(try ContainerdEvent.read(envelope: envelope("/tasks/start", ofC, namespace: "moby")) == nil)
        #expect(try ContainerdEvent.read(envelope: envelope("/images/create", ofC)) == nil)
        #expect(try ContainerdEvent.isMarker(envelope: envelope("/k3s/subscribed", [])))
    }
}
