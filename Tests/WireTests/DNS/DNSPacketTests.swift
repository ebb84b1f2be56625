import Support
import Testing

@testable import Wire

@Suite struct DNSPacketTests {
    private func message(_ name: String, id: UInt16 = 1) throws -> DNSMessage {
        DNSMessage(header: DNSHeader(id: id), questions: [DNSQuestion(try #require(DNSName(name)), .a)])
    }

    private func answer(_ name: String, _ times: [UInt32]) throws -> DNSPacket {
        var reply = try message(name).reply()
        reply.edns = EDNS(isDNSSECWanted: true)
        reply.answers = times.map { DNSRecord(reply.questions[0].name, .a(7), ttl: $0) }
        reply.additionals = [DNSRecord(.root, .txt([[1, 2, 3]]), ttl: 50)]
        return try #require(DNSPacket(reply.encode()))
    }

    @Test func `times are cut in every record, and EDNS is none`() throws {
        var packet = try answer("a.example", [5, 300, 60])
        let before = try DNSMessage(decoding: packet.bytes)
        #expect(packet.leastTimeToLive == 5)
        packet.limitTimesToLive(to: 40)
        var expected = before
        for (index, time) in [UInt32(5), 40, 40].enumerated() { expected.answers[index].ttl = time }
        expected.additionals[0].ttl = 40
        #expect(try DNSMessage(decoding: packet.bytes) == expected)
    }

    @Test func `an answer has the id and the question of its query`() throws {
        let query = try #require(DNSPacket(try message("a.example").encode()))
        var reply = try answer("A.Example", [5])
        #expect(reply.answers(query))
        reply.echoQuestion(of: query)
        #expect(try DNSMessage(decoding: reply.bytes).questions[0].name.description == "a.example.")
        reply.id = 2
        #expect(!reply.answers(query))
        #expect(!(try answer("b.example", [5])).answers(query))
        #expect(!query.answers(query), "a query is no answer")
    }

    @Test func `broken bytes are no packet`() throws {
        let whole = try answer("a.example", [5]).bytes
        #expect(DNSPacket(whole) != nil)
        for count in whole.indices { #expect(DNSPacket(Array(whole.prefix(count))) == nil) }
        #expect(DNSPacket([UInt8](repeating: 0, count: 12)) == nil, "no question")
        var random = SeededRandom(seed: 1)
        for _ in 0..<20_000 {
            var bytes = whole
            for _ in 0..<3 {
                bytes[Int.random(in: bytes.indices, using: &random)] = .random(in: 0...255, using: &random)
            }
            // Whatever it is, it is read within its bounds.
            var packet = DNSPacket(bytes)
            packet?.limitTimesToLive(to: 1)
        }
    }

    @Test func `a server answers over UDP and TCP, at once or later`() async throws {
        struct Echo: DNSHandler {
            let isLate: Bool
            func answer(_ query: DNSQuery) -> [UInt8]? {
                guard let reply = try? DNSMessage(decoding: query.bytes).reply().encode() else { return nil }
                if isLate { Task { query.respond(reply) } }
                return isLate ? nil : reply
            }
        }
        for isLate in [false, true] {
            let server = DNSServer(handler: Echo(isLate: isLate))
            let address = try await server.listen(on: DNSAddress(.v4(0x7F00_0001), port: 0))
            for (overStream, id) in [(false, UInt16(7)), (true, 8)] {
                let query = try #require(DNSPacket(try message("a.example", id: id).encode()))
                let reply = try await DNSClient.ask(
                    query, at: address, overStream: overStream, within: .seconds(20))
                #expect(reply.answers(query))
            }
            await #expect(throws: Fault.self) { try await server.listen(on: address) }
            await server.close()
        }
    }

    @Test func `nobody there, and nobody who answers, are different faults`() async throws {
        struct Silence: DNSHandler {
            func answer(_: DNSQuery) -> [UInt8]? { nil }
        }
        let server = DNSServer(handler: Silence())
        let address = try await server.listen(on: DNSAddress(.v4(0x7F00_0001), port: 0))
        let query = try #require(DNSPacket(try message("a.example").encode()))
        #expect(await fault(query, address, .milliseconds(50)) == .timedOut)
        await server.close()
        #expect(await fault(query, address, .seconds(20)) == .unavailable)
    }

    private func fault(_ query: DNSPacket, _ server: DNSAddress, _ patience: Duration) async -> Fault.Code? {
        do throws(Fault) {
            _ = try await DNSClient.ask(query, at: server, within: patience)
            return nil
        } catch {
            return error.code
        }
    }
}
