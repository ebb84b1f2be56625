import CLinux
import Support

/// One message that the kernel sent.
struct NetlinkMessage: Sendable {
    let type: UInt16
    let flags: UInt16
    let sequence: UInt32
    /// What follows the header: a fixed structure of the message's kind, then attributes.
    let payload: ArraySlice<UInt8>

    /// All whole messages in what was received; a cut-off rest is left out.
    static func all(in bytes: [UInt8]) -> [NetlinkMessage] {
        var (messages, rest) = ([NetlinkMessage](), bytes[...])
        while let length = rest.integer(at: 0, as: UInt32.self).map(Int.init), length >= 16,
            length <= rest.count,
            let type = rest.integer(at: 4, as: UInt16.self), let flags = rest.integer(at: 6, as: UInt16.self),
            let sequence = rest.integer(at: 8, as: UInt32.self)
        {
            let payload = rest.prefix(length).dropFirst(16)
            messages.append(NetlinkMessage(type: type, flags: flags, sequence: sequence, payload: payload))
            rest = rest.dropFirst(aligned(length))
        }
        return messages
    }

    /// The fixed structure at the beginning; `nil` when the payload is shorter.
    func structure<Structure: BitwiseCopyable>(_ type: Structure.Type) -> Structure? {
        guard payload.count >= MemoryLayout<Structure>.size else { return nil }
        return payload.withUnsafeBytes { $0.loadUnaligned(as: type) }
    }

    /// The attributes behind a fixed structure of this size.
    func attributes(after size: Int) -> NetlinkAttributes {
        NetlinkAttributes(payload.dropFirst(aligned(size)))
    }
    func attributes<Structure>(after type: Structure.Type) -> NetlinkAttributes {
        attributes(after: MemoryLayout<Structure>.size)
    }

    /// For `NLMSG_ERROR` and the end of a dump: what went wrong, or `nil` for success.
    var error: NetlinkError? {
        guard let number = payload.integer(at: 0, as: Int32.self), number != 0 else { return nil }
        var text: String?
        if flags & UInt16(NLM_F_ACK_TLVS) != 0 {
            // Behind the number stands the request: its header alone, or all of it.
            var skip = 4
            if type == UInt16(NLMSG_ERROR) {
                let isCapped = flags & UInt16(NLM_F_CAPPED) != 0
                skip += isCapped ? 16 : aligned(Int(payload.integer(at: 4, as: UInt32.self) ?? 16))
            }
            text = NetlinkAttributes(payload.dropFirst(skip))[NLMSGERR_ATTR_MSG]?.text
        }
        return NetlinkError(errno: Errno(-number), explanation: text, sequence: sequence)
    }
}

/// Why the kernel refused a request.
struct NetlinkError: Error, Hashable {
    let errno: Errno
    /// The kernel's own words, where it has some ("extended acknowledgement").
    let explanation: String?
    /// Of the message that was refused.
    var sequence: UInt32 = 0

    init(errno: Errno, explanation: String? = nil, sequence: UInt32 = 0) {
        self.errno = errno
        self.explanation = explanation
        self.sequence = sequence
    }
}

extension Fault {
    init(_ error: NetlinkError, _ summary: String) {
        self.init(error.errno, summary)
        if let explanation = error.explanation { self.summary += " (\(explanation))" }
    }
}

/// A list of attributes; of two with the same key the later one counts, as in the kernel.
struct NetlinkAttributes: Sendable {
    private(set) var all: [(key: UInt16, value: NetlinkValue)] = []

    init(_ bytes: ArraySlice<UInt8>) {
        var rest = bytes
        while let length = rest.integer(at: 0, as: UInt16.self).map(Int.init), length >= 4,
            length <= rest.count,
            let type = rest.integer(at: 2, as: UInt16.self)
        {
            // The two highest bits say only how the value is written.
            all.append((type & 0x3FFF, NetlinkValue(bytes: rest.prefix(length).dropFirst(4))))
            rest = rest.dropFirst(aligned(length))
        }
    }

    subscript(key: some NetlinkKey) -> NetlinkValue? { all.last { $0.key == key.code }?.value }
}

/// The value of an attribute, read as what its key says it is; `nil` when it is too short for that.
struct NetlinkValue: Sendable {
    let bytes: ArraySlice<UInt8>

    var u8: UInt8? { bytes.first }
    var u16: UInt16? { bytes.integer(at: 0, as: UInt16.self) }
    var u32: UInt32? { bytes.integer(at: 0, as: UInt32.self) }
    var u64: UInt64? { bytes.integer(at: 0, as: UInt64.self) }
    var networkU16: UInt16? { u16.map(UInt16.init(bigEndian:)) }
    var networkU32: UInt32? { u32.map(UInt32.init(bigEndian:)) }
    var networkU64: UInt64? { u64.map(UInt64.init(bigEndian:)) }
    var text: String { String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self) }
    var ip: IPAddress? { IPAddress(bytes: bytes) }
    var nested: NetlinkAttributes { NetlinkAttributes(bytes) }
}

/// Up to the next border of four.
private func aligned(_ count: Int) -> Int { (count + 3) & ~3 }

extension ArraySlice<UInt8> {
    fileprivate func integer<Number: FixedWidthInteger & BitwiseCopyable>(
        at offset: Int, as type: Number.Type
    ) -> Number? {
        guard offset + MemoryLayout<Number>.size <= count else { return nil }
        return withUnsafeBytes { $0.loadUnaligned(fromByteOffset: offset, as: type) }
    }
}
