import Support
import Testing

@testable import Wire

@Suite struct DNSMessageTests {
    /// What a stub resolver sends for `kubernetes.default.svc.cluster.local`, with EDNS.
    @Test func `a question reads as it was sent`() throws {
        let wire: [UInt8] =
            [0x12, 0x34, 0x01, 0x20, 0, 1, 0, 0, 0, 0, 0, 1]
            + [10] + Array("kubernetes".utf8) + [7] + Array("default".utf8) + [3] + Array("svc".utf8)
            + [7] + Array("cluster".utf8) + [5] + Array("local".utf8) + [0] + [0, 1, 0, 1]
            + [0, 0, 41, 0x04, 0xD0, 0, 0, 0x80, 0, 0, 0]
        let message = try DNSMessage(decoding: wire)
        #expect(message.header.id == 0x1234)
        #expect(message.header.isRecursionDesired)
        #expect(message.header.isAuthenticData)
        #expect(!message.header.isResponse)
        #expect(message.questions == [DNSQuestion(name("kubernetes.default.svc.cluster.local"), .a)])
        #expect(message.additionals.isEmpty)
        #expect(message.edns == EDNS(payloadSize: 1232, isDNSSECWanted: true))
        #expect(message.datagramLimit == 1232)
        #expect(message.encode() == wire)
    }

    @Test func `an answer's names point back at the question`() throws {
        var reply = DNSMessage(header: DNSHeader(id: 1), questions: [DNSQuestion(name("a.b"), .srv)]).reply()
        reply.answers = [
            DNSRecord(
                name("A.B"), .srv(priority: 0, weight: 100, port: 53, target: name("x.b")), ttl: 5)
        ]
        let wire = reply.encode()
        let question: [UInt8] = [1, 0x61, 1, 0x62, 0, 0, 33, 0, 1]
        let answer: [UInt8] = [
            0xC0, 12, 0, 33, 0, 1, 0, 0, 0, 5, 0, 11, 0, 0, 0, 100, 0, 53, 1, 0x78, 1, 0x62, 0,
        ]
        #expect(wire == [0, 1, 0x80, 0, 0, 1, 0, 1, 0, 0, 0, 0] + question + answer)
        // The target of a service record is written out in full, but read if somebody compressed it.
        let compressed = wire.dropLast(5) + [1, 0x78, 0xC0, 14]
        var shortened = Array(compressed)
        shortened[shortened.count - 11] = 10
        #expect(try DNSMessage(decoding: shortened) == reply)
    }

    @Test func `what does not fit is left to TCP`() throws {
        var message = DNSMessage(header: DNSHeader(id: 7), questions: [DNSQuestion(name("big.example"), .a)])
        message.answers = (0..<100).map { DNSRecord(name("big.example"), .a($0), ttl: 30) }
        message.edns = EDNS()
        let datagram = message.encode(limit: 512)
        let read = try DNSMessage(decoding: datagram)
        #expect(datagram.count <= 512 && datagram.count > 512 - 16)
        #expect(read.header.isTruncated)
        #expect(read.edns == message.edns)
        #expect(read.answers == Array(message.answers.prefix(read.answers.count)))
        #expect(try DNSMessage(decoding: message.encode()) == message)
    }

    @Test func `additional records are left out without a word`() throws {
        var message = DNSMessage(header: DNSHeader(id: 7), questions: [DNSQuestion(name("x.example"), .a)])
        message.answers = [DNSRecord(name("x.example"), .a(1), ttl: 30)]
        message.additionals = (0..<100).map { DNSRecord(name("n\($0).example"), .a(UInt32($0)), ttl: 30) }
        let read = try DNSMessage(decoding: message.encode(limit: 512))
        #expect(!read.header.isTruncated)
        #expect(read.answers == message.answers)
        #expect((10..<100).contains(read.additionals.count))
    }

    @Test func `an error code above fifteen travels with EDNS`() throws {
        var message = DNSMessage(header: DNSHeader(id: 1), edns: EDNS())
        message.header.responseCode = .badVersion
        #expect(try DNSMessage(decoding: message.encode()).header.responseCode == .badVersion)
    }

    @Test func `a long text is cut into strings of 255 bytes`() throws {
        let text = [UInt8](repeating: 65, count: 600)
        let message = DNSMessage(header: DNSHeader(id: 1), answers: [DNSRecord(.root, .txt([text]), ttl: 0)])
        guard case .txt(let strings) = try DNSMessage(decoding: message.encode()).answers[0].data else {
            Issue.record("not a text")
            return
        }
        #expect(strings.map(\.count) == [255, 255, 90])
    }

    /// Header and one question, whose name is what is tested.
    static let hostileNames: [(String, [UInt8], DNSDecodingError)] = [
        ("points at itself", [0xC0, 12], .badName),
        ("points forward", [0xC0, 20], .badName),
        ("loops through a label", [1, 65, 0xC0, 12], .badName),
        ("is of a reserved kind", [0x40, 1, 2], .badName),
        ("runs out", [63, 1, 2], .truncated),
        ("has half a pointer", [0xC0], .truncated),
        ("never ends", [1, 65], .truncated),
        ("is too long", (0..<5).flatMap { _ in [63] + [UInt8](repeating: 65, count: 63) } + [0], .badName),
    ]

    @Test(arguments: hostileNames)
    func `a name that lies is refused`(what: String, bytes: [UInt8], error: DNSDecodingError) {
        let wire = [0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0] + bytes + (error == .badName ? [0, 1, 0, 1] : [])
        #expect(throws: error, "a name that \(what)") { try DNSMessage(decoding: wire) }
    }

    static let hostileRecords: [([UInt8], DNSDecodingError)] = [
        ([0, 0, 1, 0, 1, 0, 0, 0, 0, 0, 3, 1, 2, 3], .truncated),
        ([0, 0, 1, 0, 1, 0, 0, 0, 0, 0, 5, 1, 2, 3, 4, 5], .badData(.a)),
        ([0, 0, 16, 0, 1, 0, 0, 0, 0, 0, 0], .badData(.txt)),
        ([0, 0, 16, 0, 1, 0, 0, 0, 0, 0, 1, 1, 2], .badData(.txt)),
        ([0, 0, 99, 0, 1, 0, 0, 0, 0, 0xFF, 0xFF], .truncated),
        ([0, 0, 41, 0, 1, 0, 0, 0, 0, 0, 0], .badEDNS),
    ]

    @Test(arguments: hostileRecords)
    func `a record that lies is refused`(bytes: [UInt8], error: DNSDecodingError) {
        let wire = [0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0] + bytes
        #expect(throws: error) { try DNSMessage(decoding: wire) }
    }

    @Test func `a second EDNS record is refused`() {
        let option: [UInt8] = [0, 0, 41, 2, 0, 0, 0, 0, 0, 0, 0]
        #expect(throws: DNSDecodingError.badEDNS) {
            try DNSMessage(decoding: [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2] + option + option)
        }
    }

    @Test func `the header is read from a message that is broken`() {
        let wire: [UInt8] = [0xAB, 0xCD, 1, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0xFF]
        #expect(throws: DNSDecodingError.truncated) { try DNSMessage(decoding: wire) }
        #expect(DNSHeader(decoding: wire)?.id == 0xABCD)
        #expect(DNSHeader(decoding: wire.prefix(11)) == nil)
    }

    @Test func `messages over TCP come behind their length, in any pieces`() {
        let stream =
            DNSStreamDecoder.frame([1, 2, 3]) + DNSStreamDecoder.frame([]) + DNSStreamDecoder.frame([4])
        var decoder = DNSStreamDecoder()
        #expect(decoder.receive(stream) == [[1, 2, 3], [], [4]])
        #expect(stream.flatMap { decoder.receive([$0]) } == [[1, 2, 3], [], [4]])
    }
}

func name(_ text: String) -> DNSName { DNSName(text) ?? .root }
