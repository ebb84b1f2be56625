import Support
import Testing

@testable import CEL

@Suite struct TimeZoneTests {
    /// A file of version 1 with one change: +01:00 until 1000000, +02:00 from then on.
    private static let file: [UInt8] = {
        func word(_ number: Int32) -> [UInt8] { withUnsafeBytes(of: number.bigEndian, Array.init) }
        var bytes = Array("TZif".utf8) + [UInt8](repeating: 0, count: 16)
        bytes += word(0) + word(0) + word(0) + word(1) + word(2) + word(4)
        bytes += word(1_000_000) + [1]
        bytes += word(3600) + [0, 0] + word(7200) + [1, 0]
        return bytes + Array("A\0B\0".utf8)
    }()

    @Test func `a zone file says which offset holds when`() throws {
        let zone = try #require(ZoneFile(bytes: Self.file))
        #expect(zone.offset(at: 999_999) == 3600)
        #expect(zone.offset(at: 1_000_000) == 7200)
        #expect(zone.offset(at: .max) == 7200)
    }

    @Test func `a broken zone file says nothing`() {
        for length in 0..<Self.file.count {
            _ = ZoneFile(bytes: Array(Self.file.prefix(length)))?.offset(at: 0)
        }
        #expect(ZoneFile(bytes: Array(Self.file.prefix(50)))?.offset(at: 0) == nil)
        #expect(ZoneFile(named: "../secret") == nil)
        #expect(ZoneFile(named: "") == nil)
    }

    @Test(arguments: [("UTC", 0), ("+02:00", 7200), ("-07:30", -27_000), ("02:00", 7200)])
    func `offsets are read`(zone: String, seconds: Int64) {
        #expect(TimeZone.offset(of: zone, at: .init(seconds: 0)) == seconds)
    }

    @Test(arguments: ["25:00", "1:2:3", ":", "+", "a:b", "No/Such"])
    func `other texts are no zones`(zone: String) {
        #expect(TimeZone.offset(of: zone, at: .init(seconds: 0)) == nil)
    }
}
