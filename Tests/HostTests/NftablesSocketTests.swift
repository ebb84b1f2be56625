import Support
import Testing

@testable import Host

@Suite struct NftablesSocketTests {
    private let namespace: NetworkNamespace
    private let socket: Nftables.Socket
    private let services = Nftables.Set(
        "services", key: [.ipv4Address, .inetProtocol, .inetService], value: .verdict)

    init() throws {
        namespace = try .create()
        socket = try Nftables.Socket(in: namespace)
    }

    private func key(_ number: UInt32) -> [Nftables.Value] {
        [.ip(.v4(0x0A2B_0000 + number)), .tcp, .port(80)]
    }

    private func element(_ number: UInt32) -> Nftables.Element {
        Nftables.Element(key: key(number), value: .verdict(.goto("service")))
    }

    private var table: Nftables.Table {
        Nftables.Table(.inet, "ours", sets: [services], chains: [.init("service", rules: [.init(.drop)])])
    }

    @Test func `a table is replaced as a whole, and no other is touched`() throws {
        try socket.commit(.replacing(.init(.inet, "theirs", chains: [.init("kept")])))
        try socket.commit(.replacing(table))
        try socket.commit(.replacing(.init(.inet, "ours", chains: [.init("new")])))
        #expect(try socket.tables(.inet).sorted() == ["ours", "theirs"])
        #expect(try socket.chains(.inet, "ours") == ["new"])
        #expect(try socket.chains(.inet, "theirs") == ["kept"])
        try socket.commit(.deleting(.inet, "ours"))
        try socket.commit(.deleting(.inet, "ours"))
        #expect(try socket.tables(.inet) == ["theirs"])
    }

    @Test func `elements come and go without the rest being sent`() throws {
        try socket.commit(.replacing(table))
        var change = Nftables.Transaction(.inet, "ours")
        change.add((0..<1000).map(element), to: services)
        try socket.commit(change)
        var stored = try socket.elements(of: "services", in: "ours", .inet)
        #expect(stored.count == 1000)
        #expect(stored.allSatisfy { $0.chain == "service" })
        let first = Nftables.Socket.StoredElement(
            key: [10, 43, 0, 0, 6, 0, 0, 0, 0, 80, 0, 0], value: nil, chain: "service", remaining: nil)
        #expect(stored.contains(first))

        change = Nftables.Transaction(.inet, "ours")
        change.delete((1..<1000).map(element), from: services)
        try socket.commit(change)
        stored = try socket.elements(of: "services", in: "ours", .inet)
        #expect(stored == [first])
    }

    @Test func `a transaction that fails changes nothing, and names what was refused`() throws {
        try socket.commit(.replacing(table))
        var change = Nftables.Transaction(.inet, "ours")
        change.add([element(1)], to: services)
        change.add(Nftables.Rule(.jump("nowhere")), to: "service")
        change.add([element(2)], to: services)
        let fault = #expect(throws: Fault.self) { try socket.commit(change) }
        #expect(fault?.code == .notFound)
        #expect(fault?.summary == "cannot add rule service jump nowhere: No such file or directory")
        #expect(try socket.elements(of: "services", in: "ours", .inet).isEmpty)
        // The socket is as good as before.
        change = Nftables.Transaction(.inet, "ours")
        change.add([element(3)], to: services)
        try socket.commit(change)
        #expect(try socket.elements(of: "services", in: "ours", .inet).count == 1)
    }

    @Test func `who decided on old rules is told so`() throws {
        try socket.commit(.replacing(table))
        let generation = try socket.generation()
        var change = Nftables.Transaction(.inet, "ours")
        change.add([element(1)], to: services)
        try socket.commit(change, ifGeneration: generation)
        let fault = #expect(throws: Fault.self) { try socket.commit(change, ifGeneration: generation) }
        #expect(fault?.code == .conflict)
        #expect(try socket.generation() != generation)
    }

    @Test func `a key that leads elsewhere already is a conflict`() throws {
        try socket.commit(.replacing(table))
        var change = Nftables.Transaction(.inet, "ours")
        change.add([element(1)], to: services)
        try socket.commit(change)
        change = Nftables.Transaction(.inet, "ours")
        change.add([.init(key: key(1), value: .verdict(.drop))], to: services)
        #expect(throws: Fault.self) { try socket.commit(change) }
        // One after the other in one transaction, the key is never without a value.
        change = Nftables.Transaction(.inet, "ours")
        change.delete([element(1)], from: services)
        change.add([.init(key: key(1), value: .verdict(.drop))], to: services)
        try socket.commit(change)
        #expect(try socket.elements(of: "services", in: "ours", .inet).map(\.chain) == [nil])
    }

    @Test func `a chain is emptied and filled at once, and deleted when nothing leads to it`() throws {
        try socket.commit(.replacing(table))
        var change = Nftables.Transaction(.inet, "ours")
        change.add([element(1)], to: services)
        change.flush(chain: "service")
        change.add(.init(.accept), to: "service")
        try socket.commit(change)
        change = Nftables.Transaction(.inet, "ours")
        change.flush(chain: "service")
        change.delete(chain: "service")
        let fault = #expect(throws: Fault.self) { try socket.commit(change) }
        #expect(fault?.code == .conflict)
        var complete = Nftables.Transaction(.inet, "ours")
        complete.delete([element(1)], from: services)
        complete.flush(chain: "service")
        complete.delete(chain: "service")
        complete.delete(set: "services")
        try socket.commit(complete)
        #expect(try socket.chains(.inet, "ours").isEmpty)
    }

    @Test func `blocks and ranges, alone and in concatenations, are kept as they were given`() async throws {
        let blocks = Nftables.Set("blocks", key: [.ipv4Address], flags: .interval)
        let policy = Nftables.Set(
            "allowed", key: [.ipv4Address, .inetProtocol, .inetService], flags: .interval)
        let blocks6 = Nftables.Set("blocks6", key: [.ipv6Address], flags: .interval)
        var change = Nftables.Transaction.replacing(.init(.inet, "ours", sets: [blocks, policy, blocks6]))
        change.add(
            [
                .init(.prefix(try prefix("10.0.0.0/8"))), .init(.ip(try address("192.0.2.1"))),
                .init(.prefix(try prefix("255.255.255.0/24"))),
            ], to: blocks)
        change.add([.init(.prefix(try prefix("fd00::/8")))], to: blocks6)
        change.add(
            [
                .init(.prefix(try prefix("10.42.0.0/16")), .tcp, .ports(8000...8999)),
                .init(.ip(try address("10.42.0.7")), .udp, .port(53)),
            ], to: policy)
        try socket.commit(change)
        func listing(_ set: String) async throws -> String {
            let text = try await namespace.output(of: "nft", "list", "set", "inet", "ours", set)
            return text.split { $0 == "\n" || $0 == "\t" || $0 == " " }.joined(separator: " ")
        }
        #expect(
            try await listing("blocks").contains(
                "elements = { 10.0.0.0/8, 192.0.2.1, 255.255.255.0/24 }"))
        #expect(try await listing("blocks6").contains("elements = { fd00::/8 }"))
        let policies = try await listing("allowed")
        #expect(policies.contains("10.42.0.0/16 . tcp . 8000-8999"))
        #expect(policies.contains("10.42.0.7 . udp . 53"))
        change = Nftables.Transaction(.inet, "ours")
        change.delete([.init(.prefix(try prefix("10.0.0.0/8")))], from: blocks)
        change.delete([.init(.prefix(try prefix("10.42.0.0/16")), .tcp, .ports(8000...8999))], from: policy)
        try socket.commit(change)
        #expect(try await !listing("blocks").contains("10.0.0.0/8"))
        #expect(try await !listing("allowed").contains("10.42.0.0/16"))
    }

    @Test func `elements have times of their own`() throws {
        let affinity = Nftables.Set(
            "affinity", key: [.ipv4Address], flags: [.timeout, .dynamic], timeout: .seconds(100))
        var change = Nftables.Transaction.replacing(.init(.ip, "ours", sets: [affinity]))
        change.add([.init(.ip(.v4(1))), .init(.ip(.v4(2)), timeout: .seconds(7))], to: affinity)
        try socket.commit(change)
        let stored = try socket.elements(of: "affinity", in: "ours", .ip)
        let times = Dictionary(uniqueKeysWithValues: stored.map { ($0.key, $0.remaining ?? .zero) })
        #expect((Duration.seconds(95)...(.seconds(100))).contains(times[[0, 0, 0, 1]] ?? .zero))
        #expect((Duration.seconds(2)...(.seconds(7))).contains(times[[0, 0, 0, 2]] ?? .zero))
    }

    /// Far more than fits one message, and than a socket takes without being told.
    @Test func `two thousand services are one transaction`() throws {
        var chains: [Nftables.Chain] = []
        var set = services
        for number in UInt32(0)..<2000 {
            let name = "service-\(number)"
            chains.append(.init(name, rules: [.init(.match(.meta(.l4proto), .is(.tcp)), .drop)]))
            set.elements.append(.init(key: key(number), value: .verdict(.goto(name))))
        }
        try socket.commit(.replacing(.init(.inet, "ours", sets: [set], chains: chains)))
        #expect(try socket.chains(.inet, "ours").count == 2000)
        #expect(try socket.elements(of: "services", in: "ours", .inet).count == 2000)
    }
}
