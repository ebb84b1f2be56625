/// Finds the common name in a certificate (RFC 5280, section 4.1): its subject is the fifth part of what is signed, not
/// counting the version. Reads no further than it must, and takes nothing for granted.
enum DERSubject {
    private static let sequence: UInt8 = 0x30
    private static let set: UInt8 = 0x31
    private static let version: UInt8 = 0xA0
    /// `id-at-commonName`: 2.5.4.3
    private static let commonNameID: [UInt8] = [0x55, 0x04, 0x03]

    private struct Part {
        var tag: UInt8
        var content: ArraySlice<UInt8>
    }

    static func commonName(ofCertificate der: [UInt8]) -> String? {
        guard let certificate = parts(der[...]).first, certificate.tag == sequence,
            let signed = parts(certificate.content).first, signed.tag == sequence
        else { return nil }
        let fields = parts(signed.content).drop { $0.tag == version }
        guard let subject = fields.dropFirst(4).first, subject.tag == sequence else { return nil }
        for group in parts(subject.content) where group.tag == set {
            for pair in parts(group.content).map({ parts($0.content) }) where pair.count == 2 {
                if Array(pair[0].content) == commonNameID { return String(decoding: pair[1].content, as: UTF8.self) }
            }
        }
        return nil
    }

    /// What stands one behind the other; what is cut short ends it.
    private static func parts(_ bytes: ArraySlice<UInt8>) -> [Part] {
        var (rest, found) = (bytes, [Part]())
        while let tag = rest.popFirst(), let first = rest.popFirst() {
            var length = Int(first)
            if first >= 0x80 {
                let count = Int(first & 0x7F)
                guard (1...3).contains(count), rest.count >= count else { break }
                length = rest.prefix(count).reduce(0) { $0 << 8 | Int($1) }
                rest = rest.dropFirst(count)
            }
            guard rest.count >= length else { break }
            found.append(Part(tag: tag, content: rest.prefix(length)))
            rest = rest.dropFirst(length)
        }
        return found
    }
}
