import Support
import Testing

@testable import Wire

@Suite struct DNSFuzzTests {
    @Test(arguments: UInt64(0)..<200)
    func `what is written reads back the same`(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let message = randomMessage(&random)
        #expect(try DNSMessage(decoding: message.encode()) == message)
    }

    @Test(arguments: UInt64(0)..<100)
    func `random bytes are refused or read, and what was read can be written`(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        for _ in 0..<50 {
            var bytes = (0..<Int.random(in: 0...300, using: &random)).map { _ in
                Bool.random(using: &random)
                    ? UInt8.random(in: 0...255, using: &random) : UInt8.random(in: 0...3, using: &random)
            }
            // Counts that are small enough for some messages to get through.
            for index in stride(from: 4, to: min(12, bytes.count), by: 2) { bytes[index] = 0 }
            check(bytes)
        }
    }

    @Test(arguments: UInt64(0)..<100)
    func `damaged messages are refused or read`(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        let whole = randomMessage(&random).encode()
        for _ in 0..<50 {
            var bytes = whole
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                bytes[Int.random(in: bytes.indices, using: &random)] = UInt8.random(
                    in: 0...255, using: &random)
            }
            if Bool.random(using: &random) {
                bytes.removeLast(Int.random(in: 0..<bytes.count, using: &random))
            }
            check(bytes)
        }
    }

    /// 64 KiB in which every name is a chain of pointers: the work stays in proportion to the bytes.
    @Test func `a message of nothing but pointers is cheap`() {
        var bytes: [UInt8] = [0, 0, 0, 0, 0xFF, 0xFF, 0, 0, 0, 0, 0, 0, 0]
        for target in stride(from: 12, to: 16_000, by: 2) {
            let at = bytes.count == 13 ? 12 : target
            bytes += [0xC0 | UInt8(at >> 8), UInt8(at & 0xFF)]
        }
        while bytes.count < 65_000 { bytes += [0xFE, 0x7E, 0, 1, 0, 1] }
        let start = ContinuousClock.now
        #expect(throws: DNSDecodingError.self) { try DNSMessage(decoding: bytes) }
        #expect(ContinuousClock.now - start < .seconds(2))
    }

    private func check(_ bytes: [UInt8]) {
        guard let message = try? DNSMessage(decoding: bytes) else { return }
        let again = try? DNSMessage(decoding: message.encode())
        #expect(again?.questions == message.questions)
        #expect(again?.answers == message.answers)
        #expect(message.encode(limit: 512).count <= 512)
    }

    private func randomMessage(_ random: inout SeededRandom) -> DNSMessage {
        var header = DNSHeader(
            id: UInt16.random(in: 0...0xFFFF, using: &random),
            flags: UInt16.random(in: 0...0xFFFF, using: &random))
        var message = DNSMessage(header: header)
        if Bool.random(using: &random) {
            header.responseCode = DNSResponseCode(rawValue: UInt16.random(in: 0...0xFFF, using: &random))
            message.header = header
            message.edns = EDNS(
                payloadSize: UInt16.random(in: 0...0xFFFF, using: &random),
                version: UInt8.random(in: 0...1, using: &random), isDNSSECWanted: Bool.random(using: &random),
                options: (0..<Int.random(in: 0...2, using: &random)).map { code in
                    EDNS.Option(code: UInt16(code), data: randomBytes(0...20, &random))
                })
        }
        message.questions = many(&random) { random in
            DNSQuestion(randomName(&random), DNSType(rawValue: UInt16.random(in: 0...300, using: &random)))
        }
        message.answers = many(&random, record)
        message.authorities = many(&random, record)
        message.additionals = many(&random, record)
        return message
    }

    private func record(_ random: inout SeededRandom) -> DNSRecord {
        DNSRecord(randomName(&random), data(&random), ttl: UInt32.random(in: 0 ... .max, using: &random))
    }

    private func data(_ random: inout SeededRandom) -> DNSRecordData {
        let numbers = (0..<5).map { _ in UInt32.random(in: 0 ... .max, using: &random) }
        let words = numbers.map { UInt16(truncatingIfNeeded: $0) }
        switch Int.random(in: 0...9, using: &random) {
        case 0: return .a(numbers[0])
        case 1: return .aaaa(high: random.next(), low: random.next())
        case 2: return .ns(randomName(&random))
        case 3: return .cname(randomName(&random))
        case 4: return .ptr(randomName(&random))
        case 5: return .mx(preference: words[0], exchange: randomName(&random))
        case 6: return .srv(priority: words[0], weight: words[1], port: words[2], target: randomName(&random))
        case 7:
            return .txt(
                (0..<Int.random(in: 1...3, using: &random)).map { _ in randomBytes(0...255, &random) })
        case 8:
            return .soa(
                DNSAuthority(
                    primary: randomName(&random), mailbox: randomName(&random), serial: numbers[0],
                    refresh: numbers[1],
                    retry: numbers[2], expire: numbers[3], minimum: numbers[4]))
        default: return .other(DNSType(rawValue: 65_280), randomBytes(0...40, &random))
        }
    }

    /// Few labels from a small alphabet, so that names share tails and are compressed.
    private func randomName(_ random: inout SeededRandom) -> DNSName {
        let labels = (0..<Int.random(in: 0...5, using: &random)).map { _ in
            [UInt8](
                repeating: UInt8.random(in: 0x41...0x43, using: &random),
                count: Int.random(in: 1...3, using: &random))
        }
        return DNSName(labels: labels) ?? .root
    }

    private func randomBytes(_ count: ClosedRange<Int>, _ random: inout SeededRandom) -> [UInt8] {
        (0..<Int.random(in: count, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random) }
    }

    private func many<T>(_ random: inout SeededRandom, _ make: (inout SeededRandom) -> T) -> [T] {
        (0..<Int.random(in: 0...6, using: &random)).map { _ in make(&random) }
    }
}
