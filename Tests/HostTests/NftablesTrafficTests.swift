import Glibc
import Support
import Testing

@testable import Host

/// Rules as the service proxy and the network policies will make them, under real packets.
@Suite struct NftablesTrafficTests {
    private static let service = "10.43.0.10"
    private typealias Rule = Nftables.Rule

    /// The table of one service: looked up by address, protocol and port; then drawn among its endpoints.
    private func table(
        _ protocol: Nftables.Value, endpoints: [[Nftables.Value]], chains: [Nftables.Chain] = [],
        sets: [Nftables.Set] = []
    ) throws -> Nftables.Table {
        let key: [Nftables.Field] = [.ip(.daddr), .meta(.l4proto), .th(.dport)]
        let vip = Nftables.Value.ip(try address(Self.service))
        let services = Nftables.Set(
            "services", key: [.ipv4Address, .inetProtocol, .inetService], value: .verdict,
            elements: [.verdict(vip, `protocol`, .port(80), to: .goto("web"))])
        let chosen = Nftables.Set(
            "web-endpoints", key: [.number], value: .data([.ipv4Address, .inetService]),
            elements: endpoints.enumerated().map { .pair(.number(UInt32($0)), to: $1) })
        let web = Nftables.Chain(
            "web",
            rules: [
                Rule(
                    .match(.meta(.l4proto), .is(`protocol`)),
                    .dnat(
                        .map(
                            [.numgenRandom(modulus: UInt32(endpoints.count))], "web-endpoints", family: .v4,
                            withPort: true)))
            ])
        let entrances: [Nftables.Chain] = [
            .init("prerouting", .nat(.prerouting), rules: [Rule(.vmap(key, "services"))]),
            .init("output", .nat(.output), rules: [Rule(.vmap(key, "services"))]),
        ]
        let names = Swift.Set(chains.map(\.name))
        return Nftables.Table(
            .inet, "k3s", sets: [services, chosen] + sets,
            chains: entrances + [web].filter { !names.contains($0.name) } + chains)
    }

    private func answers(
        _ world: ServiceWorld, from client: NetworkNamespace, count: Int
    ) throws -> Swift.Set<String> {
        var names: Swift.Set<String> = []
        for _ in 0..<count {
            let answer = try Conversation.ask(from: client, Self.service, port: 80)
            names.insert(String(answer?.split(separator: " ").first ?? "nobody"))
        }
        return names
    }

    @Test func `a service spreads connections over its endpoints, from pods and from the node`() throws {
        let world = try ServiceWorld(pods: 3)
        try world.serve(pod: 1, port: 8080)
        try world.serve(pod: 2, port: 8080)
        let socket = try Nftables.Socket(in: world.node)
        try socket.commit(
            .replacing(try table(.tcp, endpoints: [world.endpoint(1, 8080), world.endpoint(2, 8080)])))
        // Forty draws miss one of two with a chance of 2^-39.
        #expect(try answers(world, from: world.pods[2], count: 40) == ["pod-1", "pod-2"])
        #expect(try answers(world, from: world.node, count: 40) == ["pod-1", "pod-2"])

        // One endpoint goes: only that is sent.
        let all = try table(.tcp, endpoints: [world.endpoint(1, 8080)])
        var change = Nftables.Transaction(.inet, "k3s")
        change.flush(chain: "web")
        for rule in all.chains.first(where: { $0.name == "web" })?.rules ?? [] { change.add(rule, to: "web") }
        try socket.commit(change)
        #expect(try answers(world, from: world.pods[2], count: 20) == ["pod-1"])
    }

    @Test func `a client keeps its endpoint while it is remembered`() throws {
        let world = try ServiceWorld(pods: 4)
        var (chains, sets): ([Nftables.Chain], [Nftables.Set]) = ([], [])
        var web = Nftables.Chain("web")
        for pod in 1...3 {
            try world.serve(pod: pod, port: 8080)
            let name = "affinity-\(pod)"
            sets.append(
                .init(
                    name, key: [.ipv4Address], flags: [.timeout, .dynamic], timeout: .seconds(60), size: 1024)
            )
            web.rules.append(Rule(.match(.ip(.saddr), .in(.named(name))), .goto("endpoint-\(pod)")))
            chains.append(
                .init(
                    "endpoint-\(pod)",
                    rules: [
                        Rule(.update(name, [.ip(.saddr)], timeout: .seconds(60))),
                        Rule(
                            .match(.meta(.l4proto), .is(.tcp)),
                            .dnat(.to(try address("10.42.\(pod).2"), port: 8080))),
                    ]))
        }
        let draw = (0..<3).map { Nftables.Element.verdict(.number($0), to: .goto("endpoint-\($0 + 1)")) }
        web.rules.append(
            Rule(.vmap([.numgenRandom(modulus: 3)], .anonymous(draw, key: [.number], value: .verdict))))
        chains.append(web)
        let socket = try Nftables.Socket(in: world.node)
        try socket.commit(.replacing(try table(.tcp, endpoints: [], chains: chains, sets: sets)))
        let chosen = try answers(world, from: world.pods[3], count: 20)
        #expect(chosen.count == 1)
        let pod = try #require(chosen.first?.last)
        let remembered = try socket.elements(of: "affinity-\(pod)", in: "k3s", .inet)
        #expect(remembered.map(\.key) == [[10, 42, 4, 2]])
        #expect(try #require(remembered.first?.remaining) <= .seconds(60))
    }

    @Test func `a marked packet is masqueraded, so that a pod reaches itself by its service`() throws {
        let world = try ServiceWorld(pods: 1)
        try world.serve(pod: 1, port: 8080)
        let marked = Nftables.Match.bits(0x4000, are: 0x4000)
        let chains: [Nftables.Chain] = [
            .init(
                "web",
                rules: [
                    Rule(
                        .match(.ip(.saddr), .is(.ip(try address("10.42.1.2")))),
                        .setMark(0x4000, keeping: ~0x4000)),
                    Rule(
                        .match(.meta(.l4proto), .is(.tcp)), .dnat(.to(try address("10.42.1.2"), port: 8080))),
                ]),
            .init(
                "postrouting", .nat(.postrouting),
                rules: [Rule(.match(.meta(.mark), marked), .masquerade(fullyRandom: true))]),
        ]
        try Nftables.Socket(in: world.node).commit(.replacing(try table(.tcp, endpoints: [], chains: chains)))
        #expect(try Conversation.ask(from: world.pods[0], Self.service, port: 80) == "pod-1 10.42.1.1")
    }

    @Test func `a policy lets in what it names, and what belongs to it`() throws {
        let world = try ServiceWorld(pods: 3)
        try world.serve(pod: 1, port: 8080)
        let allowed = Nftables.Set(
            "allowed", key: [.ipv4Address, .inetProtocol, .inetService], flags: .interval,
            elements: [.init(.prefix(try prefix("10.42.2.0/24")), .tcp, .ports(8000...8999))])
        let toPod = Nftables.Statement.match(.ip(.daddr), .is(.ip(try address("10.42.1.2"))))
        let forward = Nftables.Chain(
            "forward", .filter(.forward),
            rules: [
                Rule(.match(.ct(.state), .anyState([.established, .related])), .accept),
                Rule(toPod, .matchAll([.ip(.saddr), .meta(.l4proto), .th(.dport)], in: "allowed"), .accept),
                Rule(toPod, .reject(.administrativelyProhibited)),
            ])
        try Nftables.Socket(in: world.node).commit(
            .replacing(.init(.inet, "policy", sets: [allowed], chains: [forward])))
        #expect(try Conversation.ask(from: world.pods[1], "10.42.1.2", port: 8080) == "pod-1 10.42.2.2")
        #expect(try Conversation.ask(from: world.pods[2], "10.42.1.2", port: 8080) == nil)
    }

    @Test
    func `a client that keeps its port is led to the new endpoint when the old connection is forgotten`()
        throws
    {
        let world = try ServiceWorld(pods: 3)
        try world.serve(pod: 1, port: 5353, .udp)
        try world.serve(pod: 2, port: 5353, .udp)
        let socket = try Nftables.Socket(in: world.node)
        func ask() throws -> String? {
            try Conversation.ask(from: world.pods[2], Self.service, port: 80, .udp, source: 40_000)
        }
        try socket.commit(.replacing(try table(.udp, endpoints: [world.endpoint(1, 5353)])))
        #expect(try ask() == "pod-1 10.42.3.2")
        try socket.commit(.replacing(try table(.udp, endpoints: [world.endpoint(2, 5353)])))
        #expect(try ask() == "pod-1 10.42.3.2", "the kernel remembers")

        let conntrack = try Conntrack(in: world.node)
        let (vip, old) = (try address(Self.service), try address("10.42.1.2"))
        func isStale(_ connection: Connection) -> Bool {
            connection.transport == 17 && connection.original.destination == vip
                && connection.reply.source == old
        }
        let connection = try #require(try conntrack.connections(.v4).first(where: isStale))
        #expect(connection.original.sourcePort == 40_000 && connection.original.destinationPort == 80)
        #expect(connection.reply.sourcePort == 5353 && connection.reply.destinationPort == 40_000)
        #expect(try conntrack.delete(.v4, where: isStale) == 1)
        #expect(try conntrack.delete(.v4, where: isStale) == 0)
        try conntrack.delete(connection)
        #expect(try ask() == "pod-2 10.42.3.2")
    }

    @Test func `what is not tracked is not remembered`() throws {
        let world = try ServiceWorld(pods: 2)
        try world.serve(pod: 1, port: 5353, .udp)
        let raw = Nftables.Chain(
            "raw", .filter(.prerouting, priority: .raw),
            rules: [Rule(.match(.udp(.dport), .is(.port(5353))), .notrack)])
        let counted = Nftables.Chain(
            "forward", .filter(.forward),
            rules: [Rule(.match(.ct(.state), .anyState(.untracked)), .counter, .accept)])
        try Nftables.Socket(in: world.node).commit(.replacing(.init(.inet, "k3s", chains: [raw, counted])))
        #expect(try Conversation.ask(from: world.pods[1], "10.42.1.2", port: 5353, .udp) != nil)
        // The answer is tracked, since only the question was excepted.
        #expect(
            try Conntrack(in: world.node).connections(.v4).allSatisfy { $0.original.destinationPort != 5353 })
    }
}
