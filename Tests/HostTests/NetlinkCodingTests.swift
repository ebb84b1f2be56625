import CLinux
import Glibc
import Support
import Testing

@testable import Host

/// Messages as bytes, without a kernel. Byte by byte these are what little-endian machines send.
@Suite struct NetlinkCodingTests {
    @Test func `a message carries its length, its attributes theirs, and all lie on borders of four`() {
        var writer = NetlinkWriter()
        writer.message(RTM_NEWLINK, flags: NLM_F_REQUEST | NLM_F_ACK, sequence: 7) { writer in
            writer.put(IFLA_IFNAME, "eth0")
            writer.nest(IFLA_LINKINFO) { $0.put(IFLA_VXLAN_PORT, network: UInt16(8472)) }
        }
        let expected: [UInt8] = [
            40, 0, 0, 0, 16, 0, 5, 0, 7, 0, 0, 0, 0, 0, 0, 0,
            9, 0, 3, 0, 0x65, 0x74, 0x68, 0x30, 0, 0, 0, 0,
            12, 0, 18, 0x80, 6, 0, 15, 0, 0x21, 0x18, 0, 0,
        ]
        #expect(writer.bytes == expected)
    }

    @Test func `what is written is read back`() throws {
        var writer = NetlinkWriter()
        let vxlan = VXLAN(identifier: 1, port: 8472, local: .v4(0x0A00_0001), device: 3)
        writer.message(RTM_NEWLINK, flags: 0) { writer in
            var header = ifinfomsg()
            header.ifi_index = 9
            header.ifi_flags = UInt32(IFF_UP)
            writer.append(structure: header)
            writer.put(IFLA_IFNAME, "flannel.1")
            writer.put(IFLA_MTU, UInt32(1450))
            writer.nest(IFLA_LINKINFO) { writer in
                writer.put(IFLA_INFO_KIND, "vxlan")
                writer.nest(IFLA_INFO_DATA) { vxlan.write(to: &$0) }
            }
        }
        let message = try #require(NetlinkMessage.all(in: writer.bytes).first)
        guard case .link(let link) = NetworkChanges.decode(message) else { throw Fault(.failed, "no link") }
        #expect(link.index == 9)
        #expect(link.name == "flannel.1")
        #expect(link.mtu == 1450)
        #expect(link.isUp && !link.isRunning)
        #expect(link.vxlan == vxlan)
    }

    @Test func `several messages in one datagram are told apart, and a torn one is left out`() {
        var writer = NetlinkWriter()
        for sequence in 1...3 {
            writer.message(RTM_NEWROUTE, flags: 0, sequence: UInt32(sequence)) { $0.append(UInt8(1)) }
        }
        #expect(NetlinkMessage.all(in: writer.bytes).map(\.sequence) == [1, 2, 3])
        #expect(NetlinkMessage.all(in: writer.bytes.dropLast(4)).map(\.sequence) == [1, 2])
    }

    @Test func `a refusal carries the kernel's words, behind the header of what it refuses`() throws {
        var writer = NetlinkWriter()
        writer.message(Int(NLMSG_ERROR), flags: NLM_F_CAPPED | NLM_F_ACK_TLVS, sequence: 3) { writer in
            writer.append(Int32(-EINVAL))
            for _ in 0..<4 { writer.append(UInt32(16)) }
            writer.put(NLMSGERR_ATTR_MSG, "Invalid prefix")
        }
        let message = try #require(NetlinkMessage.all(in: writer.bytes).first)
        let error = NetlinkError(errno: Errno(EINVAL), explanation: "Invalid prefix", sequence: 3)
        #expect(message.error == error)
        #expect(Fault(error, "cannot do it").summary == "cannot do it: Invalid argument (Invalid prefix)")
    }

    /// Whatever bytes come: no crash, and nothing read beyond them.
    @Test(arguments: UInt64(0)..<200)
    func `random bytes are read without harm`(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        var bytes = (0..<Int.random(in: 0...200, using: &random)).map { _ in
            UInt8.random(in: 0...40, using: &random)
        }
        // A plausible header, so that the decoders are reached.
        if bytes.count > 24 {
            bytes[0] = UInt8(bytes.count)
            bytes.replaceSubrange(1...3, with: [0, 0, 0])
            bytes[4] = [16, 20, 24].randomElement(using: &random) ?? 16
            bytes[5] = 0
        }
        for message in NetlinkMessage.all(in: bytes) { _ = NetworkChanges.decode(message) }
    }

    @Test func `hardware addresses are read and printed`() throws {
        #expect(MACAddress("0a:58:0a:2a:00:01")?.description == "0a:58:0a:2a:00:01")
        for text in ["", "0a:58:0a:2a:00", "0a:58:0a:2a:00:1", "0a:58:0a:2a:00:+1", "0a:58:0a:2a:00:xx"] {
            #expect(MACAddress(text) == nil)
        }
        var random = SeededRandom(seed: 1)
        for _ in 0..<100 { #expect(MACAddress.random(using: &random).bytes[0] & 3 == 2) }
    }
}
