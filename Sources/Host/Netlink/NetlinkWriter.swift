import CLinux
import Support

/// What names an attribute or a message: a constant of the kernel's headers, however Swift imports it.
protocol NetlinkKey {
    var code: UInt16 { get }
}

extension Int: NetlinkKey {
    var code: UInt16 { UInt16(truncatingIfNeeded: self) }
}

extension NetlinkKey where Self: RawRepresentable<UInt32> {
    var code: UInt16 { UInt16(truncatingIfNeeded: rawValue) }
}

extension rtattr_type_t: NetlinkKey {}
extension nlmsgerr_attrs: NetlinkKey {}

/// Writes netlink messages (netlink(7)): headers, fixed structures and attributes, everything on 4-byte
/// borders, integers in the machine's byte order unless told otherwise. Pure: it never talks to a kernel.
struct NetlinkWriter: Sendable {
    private(set) var bytes: [UInt8] = []

    /// A whole message; its length is filled in afterwards.
    mutating func message(
        _ type: some NetlinkKey, flags: Int32, sequence: UInt32 = 0, _ body: (inout NetlinkWriter) -> Void
    ) {
        let start = bytes.count
        append(UInt32(0))
        append(type.code)
        append(UInt16(truncatingIfNeeded: flags))
        append(sequence)
        append(UInt32(0))
        body(&self)
        patch(UInt32(bytes.count - start), at: start)
        pad()
    }

    mutating func append<Number: FixedWidthInteger>(_ number: Number) {
        withUnsafeBytes(of: number) { bytes += $0 }
    }

    /// A structure of the kernel's headers, as it lies in memory, padded.
    mutating func append<Structure: BitwiseCopyable>(structure: Structure) {
        withUnsafeBytes(of: structure) { bytes += $0 }
        pad()
    }

    mutating func put(_ key: some NetlinkKey, bytes value: some Collection<UInt8>) {
        header(key.code, length: value.count)
        bytes += value
        pad()
    }

    /// Text with the zero that ends it.
    mutating func put(_ key: some NetlinkKey, _ text: String) { put(key, bytes: Array(text.utf8) + [0]) }
    mutating func put(_ key: some NetlinkKey, _ number: UInt8) { put(key, bytes: [number]) }
    mutating func put(_ key: some NetlinkKey, _ number: UInt16) { put(key, integer: number) }
    mutating func put(_ key: some NetlinkKey, _ number: UInt32) { put(key, integer: number) }

    /// In network byte order, as everything of nfnetlink and a few attributes elsewhere are.
    mutating func put<Number: FixedWidthInteger>(_ key: some NetlinkKey, network number: Number) {
        put(key, integer: number.bigEndian)
    }

    mutating func put(_ key: some NetlinkKey, _ address: IPAddress) { put(key, bytes: address.bytes) }

    /// Attributes that were written elsewhere, and so lie on their borders already.
    mutating func appendEncoded(_ attributes: [UInt8]) {
        precondition(attributes.count % 4 == 0, "attributes are padded")
        bytes += attributes
    }

    /// An attribute of attributes.
    mutating func nest(_ key: some NetlinkKey, _ body: (inout NetlinkWriter) -> Void) {
        let start = bytes.count
        header(key.code | UInt16(NLA_F_NESTED), length: 0)
        body(&self)
        let length = bytes.count - start
        precondition(length <= UInt16.max, "an attribute holds 64 KiB; split what is longer")
        patch(UInt16(length), at: start)
    }

    private mutating func put(_ key: some NetlinkKey, integer number: some FixedWidthInteger) {
        withUnsafeBytes(of: number) { put(key, bytes: $0) }
    }

    private mutating func header(_ code: UInt16, length: Int) {
        precondition(length + 4 <= UInt16.max, "an attribute holds 64 KiB; split what is longer")
        append(UInt16(length + 4))
        append(code)
    }

    private mutating func patch(_ number: some FixedWidthInteger, at offset: Int) {
        withUnsafeBytes(of: number) { bytes.replaceSubrange(offset..<offset + $0.count, with: $0) }
    }

    private mutating func pad() {
        while bytes.count % 4 != 0 { bytes.append(0) }
    }
}
