import CLinux
import Glibc
import Support
import Testing

@testable import Host

/// What is sent, without a kernel.
@Suite struct NftablesCodingTests {
    private func names(_ family: Nftables.Family, _ statements: Nftables.Statement...) -> [String] {
        Nftables.RuleCompiler.compile(.init(statements), in: family, firstSetID: 1).expressions.map(\.name)
    }

    @Test func `a condition that a field needs is added once, and not where the table or the rule has it`() {
        let vip = Nftables.Value.ip(.v4(0x0A2B_000A))
        let address = Nftables.Statement.match(.ip(.daddr), .is(vip))
        let port = Nftables.Statement.match(.tcp(.dport), .is(.port(80)))
        #expect(names(.ip, address) == ["payload", "cmp"])
        #expect(names(.inet, address) == ["meta", "cmp", "payload", "cmp"])
        #expect(names(.inet, address, address) == ["meta", "cmp", "payload", "cmp", "payload", "cmp"])
        #expect(names(.ip, port, port) == ["meta", "cmp", "payload", "cmp", "payload", "cmp"])
        #expect(names(.ip, .match(.meta(.l4proto), .is(.tcp)), port) == ["meta", "cmp", "payload", "cmp"])
        #expect(
            names(.ip, .match(.meta(.l4proto), .isNot(.udp)), port) == [
                "meta", "cmp", "meta", "cmp", "payload", "cmp",
            ])
    }

    @Test func `the parts of a key lie in registers as they lie in the set`() {
        let rule = Nftables.Rule(.matchAll([.ip6(.daddr), .meta(.l4proto), .th(.dport)], in: "x"))
        let loads = Nftables.RuleCompiler.compile(rule, in: .ip6, firstSetID: 1).expressions.dropLast()
        // The register is the first attribute of each: 16 bytes, then 4, then 4.
        let registers = loads.map { NetlinkAttributes($0.data[...]).all.first?.value.networkU32 }
        #expect(registers == [8, 12, 13])
        let key: [Nftables.Value] = [.ip(.v6(high: 1, low: 2)), .tcp, .port(80)]
        #expect(
            key.bytes(\.first) == [0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 2] + [6, 0, 0, 0] + [
                0, 80, 0, 0,
            ])
        #expect([Nftables.DataType.ipv6Address, .inetProtocol, .inetService].length == 24)
        #expect([Nftables.DataType.inetService].length == 2)
    }

    @Test func `a batch is framed, carries the generation, and asks its last message alone for an answer`()
        throws
    {
        var transaction = Nftables.Transaction(.inet, "ours")
        transaction.addTable()
        transaction.add(.init("one"))
        transaction.add(.init("two"))
        let batch = Nftables.Batch(transaction, firstSequence: 9, generation: 0x0102_0304)
        let messages = NetlinkMessage.all(in: batch.writer.bytes)
        #expect(messages.map(\.sequence) == [9, 10, 11, 12, 13])
        #expect(messages.map(\.type) == [16, 0x0A00, 0x0A03, 0x0A03, 17])
        #expect(messages.map { $0.flags & UInt16(NLM_F_ACK) != 0 } == [false, false, false, true, false])
        #expect(batch.lastSequence == 12)
        #expect(batch.label(of: 11) == "add chain one")
        #expect(batch.label(of: 9) == "change table ours")
        #expect(!batch.contains(8) && batch.contains(13) && !batch.contains(14))
        // In network byte order: the part of netfilter that the batch is for, and the generation.
        let begin = try #require(messages.first)
        #expect(Array(begin.payload.prefix(4)) == [0, 0, 0, 10])
        #expect(begin.attributes(after: NetfilterHeader.self)[1]?.bytes.elementsEqual([1, 2, 3, 4]) == true)
    }

    @Test(arguments: [0, 1, 256, 257, 1000])
    func `elements are split over messages, none lost`(count: Int) {
        let set = Nftables.Set("hosts", key: [.ipv4Address])
        var transaction = Nftables.Transaction(.ip, "ours")
        transaction.add((0..<count).map { .init(.ip(.v4(UInt32($0)))) }, to: set)
        let messages = NetlinkMessage.all(in: Nftables.Batch(transaction).writer.bytes).dropFirst().dropLast()
        let keys = messages.flatMap { message in
            message.attributes(after: NetfilterHeader.self)[NFTA_SET_ELEM_LIST_ELEMENTS]?.nested.all ?? []
        }.compactMap { $0.value.nested[NFTA_SET_ELEM_KEY]?.nested[NFTA_DATA_VALUE]?.networkU32 }
        #expect(keys == (0..<count).map(UInt32.init))
        #expect(messages.count == (count + 255) / 256)
        #expect(messages.last.map { $0.flags & UInt16(NLM_F_ACK) != 0 } ?? true)
    }

    /// The text of a fault and of the printed table.
    @Test(arguments: [
        (Duration.zero, "0s"), (.seconds(10_800), "3h"), (.milliseconds(90_500), "1m30s500ms"),
        (.seconds(90_061), "1d1h1m1s"),
    ])
    func `times print as nft writes them`(duration: Duration, text: String) {
        #expect(nftText(duration) == text)
    }
}
