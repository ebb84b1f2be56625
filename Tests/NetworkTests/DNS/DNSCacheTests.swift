import Support
import Testing
import Wire

@testable import Network

@Suite struct DNSCacheTests {
    private func query(_ name: String, id: UInt16 = 7, edns: EDNS? = nil) throws -> DNSMessage {
        DNSMessage(
            header: DNSHeader(id: id), questions: [DNSQuestion(try #require(DNSName(name)), .a)], edns: edns)
    }

    private func answer(
        to query: DNSMessage, ttl: UInt32, _ code: DNSResponseCode = .noError, isTruncated: Bool = false
    ) throws -> DNSPacket {
        var reply = query.reply(code)
        reply.header.isTruncated = isTruncated
        reply.answers = [DNSRecord(query.questions[0].name, .a(1), ttl: ttl)]
        return try #require(DNSPacket(reply.encode()))
    }

    private func packet(_ message: DNSMessage) throws -> DNSPacket {
        try #require(DNSPacket(message.encode()))
    }

    @Test func `an answer is kept for its time, and for half a minute at most`() throws {
        for (ttl, end) in [(UInt32(5), 5), (600, 30)] {
            var cache = DNSCache(capacity: 4)
            let asked = try query("a.example")
            cache.keep(try answer(to: asked, ttl: ttl), to: try packet(asked), asked, now: .seconds(100))
            let late = Duration.seconds(100 + end)
            #expect(cache.answer(to: try packet(asked), asked, now: late - .milliseconds(1)) != nil)
            #expect(cache.answer(to: try packet(asked), asked, now: late) == nil)
        }
    }

    @Test func `what is sent again has the id and the case of the new query, and the time that is left`()
        throws
    {
        var cache = DNSCache(capacity: 4)
        let asked = try query("a.example")
        cache.keep(try answer(to: asked, ttl: 20), to: try packet(asked), asked, now: .zero)
        let again = try query("A.Example", id: 9)
        let found = try #require(cache.answer(to: try packet(again), again, now: .seconds(12)))
        let message = try DNSMessage(decoding: found.bytes)
        #expect(message.header.id == 9)
        #expect(message.questions[0].name.description == "A.Example.")
        #expect(message.answers.map(\.ttl) == [8])
    }

    @Test func `who wishes other answers gets none of these`() throws {
        var cache = DNSCache(capacity: 4)
        let asked = try query("a.example")
        cache.keep(try answer(to: asked, ttl: 20), to: try packet(asked), asked, now: .zero)
        for other in [try query("b.example"), try query("a.example", edns: EDNS())] {
            #expect(cache.answer(to: try packet(other), other, now: .zero) == nil)
        }
    }

    @Test func `failures, parts and what may not be kept are not kept`() throws {
        var cache = DNSCache(capacity: 4)
        let asked = try query("a.example")
        let refusals = [
            try answer(to: asked, ttl: 20, .serverFailure), try answer(to: asked, ttl: 0),
            try answer(to: asked, ttl: 20, isTruncated: true),
            try answer(to: try query("b.example"), ttl: 20),
        ]
        for refusal in refusals { cache.keep(refusal, to: try packet(asked), asked, now: .zero) }
        #expect(cache.count == 0)
        cache.keep(try answer(to: asked, ttl: 20, .noSuchName), to: try packet(asked), asked, now: .zero)
        #expect(cache.count == 1)
    }

    @Test func `the oldest goes when there is no room`() throws {
        var cache = DNSCache(capacity: 3)
        for number in 0..<8 {
            let asked = try query("n\(number).example")
            cache.keep(try answer(to: asked, ttl: 20), to: try packet(asked), asked, now: .zero)
            #expect(cache.count == min(number + 1, 3))
        }
        let present = try (0..<8).filter { number in
            let asked = try query("n\(number).example")
            return cache.answer(to: try packet(asked), asked, now: .zero) != nil
        }
        #expect(present == [5, 6, 7])
    }

    @Test func `name servers are read as a resolver reads them`() throws {
        let text = """
            # nameserver 1.1.1.1
            search lan
            nameserver 192.168.1.1
            nameserver\tfd00::1 # comment
            nameserver fe80::1%eth0
            options ndots:5
            nameserver 9.9.9.9
            nameserver 8.8.8.8
            """
        let expected = try ["192.168.1.1", "fd00::1", "9.9.9.9"].map { DNSAddress(try address($0)) }
        #expect(Upstreams.servers(in: text) == expected)
        #expect(Upstreams.servers(in: "") == [])
    }

    @Test func `a server that does not answer is asked last, and our own address never`() throws {
        let all = try ["10.43.0.10", "192.0.2.1", "192.0.2.2"].map { DNSAddress(try address($0)) }
        let upstreams = Upstreams(.servers(all), own: [all[0]])
        #expect(upstreams.servers() == [all[1], all[2]])
        upstreams.failed(all[1])
        #expect(upstreams.servers() == [all[2], all[1]])
    }
}
