import Support
import Testing

@testable import PKI

@Suite struct DERTests {
    @Test(
        arguments: [
            ([2, 5, 4, 3], [0x55, 0x04, 0x03]),
            ([1, 2, 840, 113549], [0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D]),
        ] as [([UInt], [UInt8])])
    func `object identifiers have the bytes of X.690`(arcs: [UInt], bytes: [UInt8]) {
        let identifier = ObjectIdentifier(arcs)
        #expect(identifier.content == bytes)
        #expect(identifier.dotted == arcs.map(String.init).joined(separator: "."))
    }

    @Test(arguments: [0, 1, 127, 128, 255, 256, 65_535, 65_536])
    func `a value of any length reads back`(count: Int) throws {
        let content = [UInt8](repeating: 7, count: count)
        let element = try DERReader.whole(DER.octets(content)[...], DERTag.octetString)
        #expect(Array(element.content) == content)
    }

    @Test(
        arguments: [
            [0x04], [0x04, 0x01], [0x04, 0x81, 0x01, 0x00], [0x04, 0x82, 0x00, 0x80], [0x04, 0x80],
            [0x1F, 0x01, 0x00],
            [0x04, 0x84, 0xFF, 0xFF, 0xFF, 0xFF], [0x04, 0x00, 0x00],
        ] as [[UInt8]])
    func `lengths that lie are refused`(bytes: [UInt8]) {
        #expect(throws: DERError.self) { try DERReader.whole(bytes[...], DERTag.octetString) }
    }

    @Test(
        arguments: [
            ([0], [0x02, 0x01, 0x00]), ([0, 0, 0x7F], [0x02, 0x01, 0x7F]),
            ([0x80], [0x02, 0x02, 0x00, 0x80]),
            ([], [0x02, 0x01, 0x00]),
        ] as [([UInt8], [UInt8])])
    func `numbers are minimal and not negative`(digits: [UInt8], bytes: [UInt8]) {
        #expect(DER.unsigned(digits) == bytes)
    }

    @Test(arguments: [
        ("2026-11-21T02:45:42Z", DERTag.utcTime), ("1999-12-31T23:59:59Z", DERTag.utcTime),
        ("2049-12-31T23:59:59Z", DERTag.utcTime), ("2050-01-01T00:00:00Z", DERTag.generalizedTime),
        ("9999-12-31T23:59:59Z", DERTag.generalizedTime),
    ])
    func `times keep their second and choose their type by the year`(text: String, tag: UInt8) throws {
        let time = try #require(Timestamp(text))
        let bytes = DER.time(time)
        #expect(bytes.first == tag)
        var reader = DERReader(bytes[...])
        #expect(try reader.readTime() == time)
    }

    @Test func `key usage is written with its last bit counted`() {
        #expect(([.digitalSignature, .keyEncipherment] as KeyUsage).encoded == [0x03, 0x02, 0x05, 0xA0])
        let authority: KeyUsage = [.digitalSignature, .keyEncipherment, .certificateSigning]
        #expect(authority.encoded == [0x03, 0x02, 0x02, 0xA4])
    }
}
