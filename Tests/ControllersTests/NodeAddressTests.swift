import API
import APIMachinery
import Client
import ClientTestSupport
import Support
import Testing

@testable import Controllers

@Suite(.timeLimit(.minutes(1))) struct NodeAddressTests {
    private static func prefix(_ text: String) throws -> IPPrefix { try #require(IPPrefix(text)) }

    @Test(arguments: [
        ("10.42.0.0/16", 24, 0, "10.42.0.0/24"), ("10.42.0.0/16", 24, 255, "10.42.255.0/24"),
        ("10.42.0.0/24", 24, 0, "10.42.0.0/24"), ("fd00::/56", 64, 255, "fd00:0:0:ff::/64"),
        ("fd00::/108", 112, 3, "fd00::3:0/112"),
    ])
    func `a range is cut into blocks`(cluster: String, length: Int, index: Int, expected: String) throws {
        let range = try #require(PodRange(try Self.prefix(cluster), nodeLength: length))
        #expect(range.block(index) == (try Self.prefix(expected)))
        #expect(range.blocks(overlapping: try Self.prefix(expected)) == index..<(index + 1))
    }

    @Test func `a range too small for a node is none, and a huge one is used in part`() throws {
        #expect(PodRange(try Self.prefix("10.42.0.0/25")) == nil)
        #expect(PodRange(try Self.prefix("fd00::/16"))?.count == PodRange.most)
    }

    @Test func `blocks are handed out in turn, and none twice`() throws {
        var ledger = PodRangeLedger(try #require(PodRange(try Self.prefix("10.42.0.0/22"))))
        func set(_ node: String, _ prefixes: [String]) -> Bool {
            ledger.set(node, prefixes.compactMap { IPPrefix($0) })
        }
        func allocate(_ node: String) -> String? { ledger.allocate(node)?.description }
        // Somebody's own block, and one that covers two.
        #expect(!set("own", ["10.42.0.0/24"]))
        #expect(allocate("a") == "10.42.1.0/24")
        #expect(!set("wide", ["10.42.2.0/23"]))
        #expect(allocate("b") == nil)
        #expect(set("a", []))
        #expect(allocate("b") == "10.42.1.0/24")
        #expect(set("wide", []))
        #expect(allocate("c") == "10.42.2.0/24")
        // A block that came back rests while others are free.
        #expect(set("c", []))
        #expect(allocate("d") == "10.42.3.0/24")
    }

    @Test func `nodes get a block of each family, and one that waits gets what becomes free`() async throws {
        let api = MemoryAPI()
        var own = Node(name: "own")
        own.spec.podCIDR = "10.42.0.0/24"
        try await api.create(own)
        let ranges = try ["10.42.0.0/23", "fd00::/56"].map { try #require(PodRange(try Self.prefix($0))) }
        try await running([NodeAddressAllocator(ranges)], on: api) {
            try await api.create(Node(name: "a"))
            await api.wait { $0.peek(Node.self, "a")?.spec.podCIDRs == ["10.42.1.0/24", "fd00::/64"] }
            #expect(api.peek(Node.self, "a")?.spec.podCIDR == "10.42.1.0/24")
            try await api.create(Node(name: "b"))
            await api.wait { $0.peek(all: Event.self).contains { $0.reason == "CIDRNotAvailable" } }
            try await api.delete(Node.self, ObjectName(name: "own"))
            await api.wait { $0.peek(Node.self, "b")?.spec.podCIDRs.first == "10.42.0.0/24" }
        }
        // Begun anew, it leaves everything as it is.
        let before = api.journal.count
        try await running([NodeAddressAllocator(ranges)], on: api) {
            try await api.delete(Node.self, ObjectName(name: "a"))
            try await api.create(Node(name: "c"))
            await api.wait { $0.peek(Node.self, "c")?.spec.podCIDRs.first == "10.42.1.0/24" }
        }
        #expect(api.journal.count == before + 3)
    }

    @Test func `the more nodes, the longer they may believe what they know`() async throws {
        var step = NodeTTLStep()
        func change(_ number: Int, isThere: Bool) -> Bool {
            let object = StoredObject(received: Node(name: "n\(number)").value)
            return step.take(ObjectChange(old: isThere ? nil : object, new: isThere ? object : nil))
        }
        for number in 1...100 { #expect(!change(number, isThere: true)) }
        #expect(step.seconds == 0)
        #expect(change(101, isThere: true))
        #expect(step.seconds == 15)
        for number in 90...101 { _ = change(number, isThere: false) }
        #expect(step.seconds == 0, "below ninety")
        let api = MemoryAPI()
        try await api.create(Node(name: "n"))
        try await running([NodeTTL()], on: api) {
            await api.wait { $0.peek(Node.self, "n")?.metadata.annotations[NodeTTL.annotation] == "0" }
        }
    }
}
