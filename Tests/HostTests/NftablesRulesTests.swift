import Support
import Testing

@testable import Host

/// Each rule is given to the real kernel, and read back by the real `nft`: it must say what the rule says of
/// itself.
@Suite struct NftablesRulesTests {
    typealias Rule = Nftables.Rule

    private static let pods = Nftables.Value.prefix(IPPrefix(.v4(0x0A2A_0000), length: 16)!)
    private static let odd = Nftables.Value.prefix(IPPrefix(.v4(0x0A2A_1000), length: 20)!)
    private static let vip = Nftables.Value.ip(.v4(0x0A2B_000A))
    private static let vip2 = Nftables.Value.ip(.v4(0x0A2B_000B))
    private static let vip6 = Nftables.Value.ip(.v6(high: 0xFD00_0043_0000_0000, low: 10))

    private static let everywhere: [Rule] = [
        Rule(.accept), Rule(.drop), Rule(.return), Rule(.jump("other")), Rule(.goto("other")),
        Rule(.verdict(.continue)),
        Rule(.match(.meta(.l4proto), .is(.tcp)), .accept),
        Rule(.match(.meta(.l4proto), .isNot(.udp)), .counter, .drop),
        Rule(.match(.sctp(.dport), .is(.port(36412))), .accept),
        Rule(.match(.tcp(.dport), .is(.port(443))), .accept),
        Rule(.match(.udp(.dport), .isNot(.port(53))), .drop),
        Rule(.match(.tcp(.sport), .is(.ports(1024...65535))), .accept),
        Rule(.match(.tcp(.dport), .is(.ports(30000...32767))), .goto("other"), comment: "default/web:http"),
        Rule(.match(.th(.dport), .isNot(.ports(1...1023))), .accept),
        Rule(.match(.meta(.iifname), .is(.interface("cni0"))), .accept),
        Rule(.match(.meta(.oifname), .isNot(.interface("flannel.1"))), .accept),
        Rule(.match(.meta(.mark), .is(.mark(0x4000))), .accept),
        Rule(.match(.meta(.mark), .bits(0x4000, are: 0x4000)), .accept),
        Rule(.match(.meta(.mark), .otherBits(0xFF00, than: 0x1200)), .return),
        Rule(.match(.ct(.mark), .is(.mark(7))), .accept),
        Rule(.setMark(0x4000), .return),
        Rule(.setMark(0x4000, keeping: ~0x4000), .return),
        Rule(.match(.ct(.state), .anyState([.established, .related])), .accept),
        Rule(.match(.ct(.state), .anyState([.invalid])), .drop),
        Rule(.match(.ct(.status), .anyStatus([.dnat])), .accept),
        Rule(.match(.fib(.daddr), .type(.local)), .accept),
        Rule(.match(.fib(.saddr), .notType(.multicast)), .accept),
        Rule(.matchAll([.meta(.iifname), .meta(.mark)], in: "interfaces"), .accept),
        Rule(.log(prefix: "refused: "), .drop),
        Rule(.reject(.portUnreachable)), Rule(.reject(.administrativelyProhibited)),
        Rule(.reject(.hostUnreachable)),
        Rule(.counter, .accept, comment: "counted"),
    ]

    private static let ofIPv4: [Rule] = [
        Rule(.match(.ip(.daddr), .is(vip)), .accept),
        Rule(.match(.ip(.saddr), .isNot(pods)), .drop),
        Rule(.match(.ip(.saddr), .is(odd)), .accept),
        Rule(.match(.ip(.saddr), .in("hosts")), .accept),
        Rule(.match(.ip(.saddr), .notIn("hosts")), .drop),
        Rule(.match(.ip(.daddr), .in("blocks")), .accept),
        Rule(.match(.ip(.daddr), .is(vip)), .match(.tcp(.dport), .is(.port(80))), .goto("other")),
        Rule(.matchAll([.ip(.saddr), .meta(.l4proto), .th(.dport)], in: "peers"), .accept),
        Rule(.matchAll([.ip(.saddr), .meta(.l4proto), .th(.dport)], in: "peers", isNegated: true), .drop),
        Rule(.vmap([.ip(.daddr), .meta(.l4proto), .th(.dport)], "services")),
        Rule(.update("affinity", [.ip(.saddr)], timeout: .seconds(10_800))),
        Rule(.add("affinity", [.ip(.saddr)], timeout: nil)),
        Rule(
            .match(.ip(.saddr), .in(.anonymous([.init(vip), .init(vip2)], key: [.ipv4Address]))), .accept),
        Rule(
            .vmap(
                [.numgenRandom(modulus: 2)],
                .anonymous(
                    [.verdict(.number(0), to: .goto("other")), .verdict(.number(1), to: .jump("other"))],
                    key: [.number], value: .verdict))),
    ]

    private static let ofTranslation: [Rule] = [
        Rule(.match(.ip(.daddr), .is(vip)), .dnat(.to(.v4(0x0A2A_0002)))),
        Rule(.match(.meta(.l4proto), .is(.tcp)), .dnat(.to(.v4(0x0A2A_0002), port: 8080))),
        Rule(
            .match(.meta(.l4proto), .is(.tcp)),
            .dnat(.map([.numgenRandom(modulus: 3)], "endpoints", family: .v4, withPort: true))),
        Rule(.dnat(.map([.ip(.daddr), .udp(.dport)], "forwards", family: .v4, withPort: true))),
        Rule(.match(.meta(.l4proto), .is(.tcp)), .redirect(toPort: 10_256)),
    ]

    private static let ofSources: [Rule] = [
        Rule(.match(.meta(.mark), .bits(0x4000, are: 0x4000)), .masquerade(fullyRandom: true)),
        Rule(.match(.meta(.oifname), .is(.interface("eth0"))), .masquerade()),
        Rule(.match(.ip(.saddr), .is(pods)), .snat(.to(.v4(0x0A00_0001)))),
    ]

    private static let ofIPv6: [Rule] = [
        Rule(.match(.ip6(.daddr), .is(vip6)), .accept),
        Rule(
            .match(
                .ip6(.saddr), .isNot(.prefix(IPPrefix(.v6(high: 0xFD00_0042_0000_0000, low: 0), length: 56)!))
            ), .drop),
        Rule(.match(.ip6(.daddr), .is(vip6)), .match(.tcp(.dport), .is(.port(80))), .accept),
        Rule(.matchAll([.ip6(.saddr), .meta(.l4proto), .th(.dport)], in: "peers6"), .accept),
    ]

    private static func table(_ family: Nftables.Family, rules: [Rule], sources: [Rule]) -> Nftables.Table {
        let service: [Nftables.DataType] = [.ipv4Address, .inetProtocol, .inetService]
        let sets: [Nftables.Set] = [
            .init("hosts", key: [.ipv4Address], elements: [.init(vip)]),
            .init("blocks", key: [.ipv4Address], flags: .interval, elements: [.init(pods)]),
            .init("peers", key: service, elements: [.init(vip, .udp, .port(53))]),
            .init("peers6", key: [.ipv6Address, .inetProtocol, .inetService]),
            .init("interfaces", key: [.interfaceName, .mark]),
            .init(
                "services", key: service, value: .verdict,
                elements: [.verdict(vip, .tcp, .port(80), to: .goto("other"))]),
            .init(
                "affinity", key: [.ipv4Address], flags: [.timeout, .dynamic], timeout: .seconds(10_800),
                size: 65536),
            .init("endpoints", key: [.number], value: .data([.ipv4Address, .inetService])),
            .init(
                "forwards", key: [.ipv4Address, .inetService], value: .data([.ipv4Address, .inetService])),
        ]
        return Nftables.Table(
            family, "tested", sets: sets,
            chains: [
                .init("other", rules: [Rule(.counter)]),
                .init("plain", rules: rules),
                .init("early", .nat(.prerouting), rules: family == .ip6 ? [] : ofTranslation),
                .init("late", .nat(.postrouting), rules: sources),
                .init("raw", .filter(.prerouting, priority: .raw), policy: .accept, rules: [Rule(.notrack)]),
                .init("closed", .filter(.forward), policy: .drop),
            ])
    }

    /// The rules of a chain in what `nft` printed, counters at zero left out.
    private func rules(of chain: String, in listing: String) -> [String] {
        var lines = listing.split(separator: "\n").map { $0.drop { $0 == "\t" } }[...]
        lines = lines.drop { $0 != "chain \(chain) {" }.dropFirst().prefix { $0 != "}" }
        return lines.filter { !$0.hasPrefix("type ") }.map {
            var text = String($0)
            if let range = text.firstRange(of: " packets 0 bytes 0") { text.removeSubrange(range) }
            return text
        }
    }

    @Test(arguments: [Nftables.Family.inet, .ip, .ip6])
    func `nft reads every rule as it was meant`(family: Nftables.Family) async throws {
        let namespace = try NetworkNamespace.create()
        let plain = Self.everywhere + (family == .ip6 ? [] : Self.ofIPv4) + (family == .ip ? [] : Self.ofIPv6)
        // The inet table needs the condition in words, the others know it from the rejection.
        let reset = Rule(.match(.meta(.l4proto), .is(.tcp)), .reject(.tcpReset))
        let table = Self.table(
            family, rules: plain + [family == .inet ? reset : Rule(.reject(.tcpReset))],
            sources: family == .ip6 ? [] : Self.ofSources)
        try Nftables.Socket(in: namespace).commit(.replacing(table))
        let listing = try await namespace.output(
            of: "nft", "-n", "-y", "list", "table", family.name, "tested")
        let words = try await namespace.output(of: "nft", "list", "table", family.name, "tested")
        for chain in table.chains {
            let shown = rules(of: chain.name, in: words)
            #expect(shown.count == chain.rules.count)
            for (rule, text) in zip(chain.rules, shown) { #expect(text == rule.text(in: family)) }
        }
        #expect(listing.contains("type filter hook prerouting priority -300; policy accept;"))
        #expect(listing.contains("type nat hook prerouting priority -100; policy accept;"))
        #expect(listing.contains("type nat hook postrouting priority 100; policy accept;"))
        #expect(words.contains("10.43.0.10 . tcp . 80 : goto other"))
        #expect(words.contains("elements = { 10.42.0.0/16 }"))
    }

    /// The other way round: `nft` makes of the printed table what we make of it.
    @Test func `a table prints as nft reads it`() async throws {
        var table = Self.table(.ip, rules: Self.everywhere + Self.ofIPv4, sources: Self.ofSources)
        // nft has no name for the type of what numgen draws.
        table.sets.removeAll { $0.name == "endpoints" }
        table.chains[2].rules.remove(at: 2)
        let (ours, theirs) = (try NetworkNamespace.create(), try NetworkNamespace.create())
        try Nftables.Socket(in: ours).commit(.replacing(table))
        try await withTemporaryDirectory { directory in
            try Files.write(table.description, to: directory + "/rules")
            _ = try await theirs.output(of: "nft", "-f", directory + "/rules")
        }
        let (made, read) = (
            try await ours.output(of: "nft", "list", "ruleset"),
            try await theirs.output(of: "nft", "list", "ruleset")
        )
        #expect(made == read)
    }
}
